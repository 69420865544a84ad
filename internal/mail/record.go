package mail

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/store"
)

// open is the transaction before sending: it decides whether to send the message, renders it, and marks it as being
// sent. If there is nothing to send it returns an ending instead.
func (w *DeliverWorker) open(ctx context.Context, a attempt) (e Envelope, end *ending, err error) {
	base, err := w.Base(ctx)
	if err != nil {
		return e, nil, fmt.Errorf("find the site's address: %w", err)
	}
	err = a.hold(ctx, func(tx pgx.Tx) error {
		var msg store.Message
		if msg, end, err = w.claim(ctx, tx, a.id); err != nil || end != nil {
			return err
		}
		e, err = w.write(ctx, tx, msg, base)
		return err
	})
	if errors.Is(err, ErrGone) {
		return e, &ending{state: StateFailed, sentence: "This letter was no longer wanted, so it was not sent."}, nil
	}
	return e, end, err
}

// claim locks the message, after its reader, and decides by the message's state.
func (w *DeliverWorker) claim(ctx context.Context, tx pgx.Tx, id int64) (msg store.Message, end *ending, err error) {
	q := store.New()
	if _, err = q.MessageReaderHold(ctx, tx, id); err == nil {
		msg, err = q.MessageLock(ctx, tx, id)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return msg, &ending{}, nil // the account was deleted, and its mail with it
	}
	if err != nil {
		return msg, nil, fmt.Errorf("load message %d: %w", id, err)
	}
	switch {
	case msg.State == StateSent || msg.State == StateFailed:
		return msg, &ending{}, nil
	case msg.State == StateUnconfirmed && !Kind(msg.Kind).repeatable():
		return msg, &ending{}, nil
	case msg.State == StateSending && !Kind(msg.Kind).repeatable() && msg.Transport == TransportSMTP:
		return msg, &ending{state: StateUnconfirmed, sentence: vanished}, nil
	}
	reason, err := q.SuppressionReason(ctx, tx, Key(msg.ToAddress))
	if err == nil {
		return msg, &ending{state: StateFailed, sentence: "Nothing is sent to this address any more: " + reason}, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return msg, nil, fmt.Errorf("look for a suppression: %w", err)
	}
	return msg, nil, nil
}

// write composes and renders the letter, and marks the message as being sent.
func (w *DeliverWorker) write(ctx context.Context, tx pgx.Tx, msg store.Message, base string) (Envelope, error) {
	compose, ok := w.Composers[Kind(msg.Kind)]
	if !ok {
		return Envelope{}, fmt.Errorf("mail of kind %q has no composer", msg.Kind)
	}
	letter, err := compose(ctx, tx, msg, base)
	if err != nil {
		return Envelope{}, fmt.Errorf("compose message %d (%s): %w", msg.ID, msg.Kind, err)
	}
	e, err := Render(ctx, letter, msg, base, w.Secret, w.Sender != nil)
	if err != nil {
		return Envelope{}, err
	}
	transport := TransportMailbox
	if w.Sender != nil {
		transport = TransportSMTP
	}
	err = store.New().MessageSending(ctx, tx, store.MessageSendingParams{
		ID: msg.ID, Transport: transport, Subject: e.Subject, BodyText: e.StoredText,
	})
	if err != nil {
		return Envelope{}, fmt.Errorf("mark message %d as being sent: %w", msg.ID, err)
	}
	return e, nil
}

// close is the transaction after sending: it stores the message's new state and notifies the reader's pages.
func (w *DeliverWorker) close(ctx context.Context, tx pgx.Tx, id int64, end ending) error {
	if end.state == "" {
		return nil
	}
	q := store.New()
	readerID, err := q.MessageReaderHold(ctx, tx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // the account was deleted while its mail was on the way
	}
	if err != nil {
		return err
	}
	if end.suppress != "" {
		if err := q.SuppressionInsert(ctx, tx, Key(end.suppress), end.sentence); err != nil {
			return err
		}
	}
	changed, err := q.MessageEnd(ctx, tx, store.MessageEndParams{ID: id, State: end.state, Error: end.sentence})
	if err != nil || changed == 0 {
		return err
	}
	return notice.Send(ctx, tx, readerID, notice.TopicMail)
}
