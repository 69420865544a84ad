package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

// attempt is one attempt to deliver a message. hold runs a transaction that leaves the job running; finish runs one
// that completes it.
type attempt struct {
	id           int64
	number       int  // from 1
	last         bool // no other attempt follows
	hold, finish func(ctx context.Context, effects func(pgx.Tx) error) error
}

// ending is how an attempt ends: the message's new state, the sentence that its page shows, and err if another attempt
// should follow. The zero ending leaves the message unchanged.
type ending struct {
	state    string
	sentence string
	suppress string // an address that will never accept mail
	err      error
}

// repeatLimit bounds how often a repeatable message is sent to a server whose replies are lost.
const repeatLimit = 3

// Deliver makes one attempt at a message without a job, for a caller that waits for the mail server as a site without a
// queue would. After an error the caller may try again.
func (w *DeliverWorker) Deliver(ctx context.Context, messageID int64) error {
	alone := func(ctx context.Context, effects func(pgx.Tx) error) error { return pgx.BeginFunc(ctx, w.DB, effects) }
	return w.attempt(ctx, attempt{id: messageID, number: 1, hold: alone, finish: alone})
}

// attempt marks the message as being sent, sends it outside any transaction, and records the result. Only an attempt
// whose predecessor died finds the message in state sending: every other attempt records how it ended.
func (w *DeliverWorker) attempt(ctx context.Context, a attempt) error {
	var envelope Envelope
	var end *ending
	err := trace.Step(ctx, "write", func(ctx context.Context) (err error) {
		envelope, end, err = w.open(ctx, a)
		return err
	})
	switch {
	case err != nil && (!a.last || ctx.Err() != nil || errors.Is(err, work.ErrLost)):
		return err
	case err != nil:
		w.Log.ErrorContext(ctx, "gave up on a mail that could not be written", "message_id", a.id, "err", err)
		end = &ending{state: StateFailed, sentence: "This letter could not be written."}
	case end == nil:
		end = w.send(ctx, a, envelope)
	}
	return trace.Step(ctx, "record", func(ctx context.Context) error { return w.record(ctx, a, *end) })
}

// send hands the letter to the mail server and returns what the result means for the message.
func (w *DeliverWorker) send(ctx context.Context, a attempt, e Envelope) *ending {
	if w.Sender == nil {
		return &ending{state: StateSent}
	}
	var o Outcome
	_ = trace.Step(ctx, "send", func(ctx context.Context) error {
		o = w.Sender.Send(ctx, e)
		return nil
	})
	if o.Result != Sent {
		work.Log(ctx).WarnContext(ctx, "the mail server did not accept the letter", "message_id", a.id, "reason", o.Reason)
	}
	switch o.Result {
	case Sent:
		if o.Err != nil {
			w.Log.WarnContext(ctx, "mail sent, but QUIT failed", "message_id", a.id, "err", o.Err)
		}
		return &ending{state: StateSent}
	case Refused:
		end := &ending{state: StateFailed, sentence: fmt.Sprintf("It cannot be sent: %s.", o.Reason)}
		if o.FromServer {
			end.sentence = fmt.Sprintf("The mail server refused it: %s.", o.Reason)
		}
		if o.Unknown {
			end.suppress = e.To
		}
		return end
	case Unconfirmed:
		end := &ending{state: StateUnconfirmed, sentence: lostAnswer}
		if e.Repeatable && a.number < repeatLimit && !a.last {
			end.sentence, end.err = lostAnswerAgain, o.Err
		}
		return end
	}
	end := &ending{state: StateQueued, sentence: fmt.Sprintf("Not delivered yet: %s.", o.forReader()), err: o.Err}
	switch {
	case errors.Is(context.Cause(ctx), rivertype.ErrJobCancelledRemotely):
		end.state, end.sentence = StateFailed, "Its delivery was cancelled."
	case errors.Is(ctx.Err(), context.Canceled): // the process is stopping: another worker will send it
		end.sentence, end.err = "", fmt.Errorf("stopped before the mail was handed over: %w", ctx.Err())
	case a.last:
		end.state, end.sentence, end.err = StateFailed, fmt.Sprintf("Given up after many attempts: %s.", o.forReader()), nil
	}
	return end
}

const (
	lostAnswer = "The connection broke after the letter was handed over, so it may have arrived. " +
		"It is not sent a second time."
	lostAnswerAgain = "The connection broke after the letter was handed over. It is sent once more, with a new link."
	vanished        = "Sending was interrupted, so it may or may not have arrived. It is not sent a second time."
)

const (
	// patience outlasts a restart of Postgres.
	patience = 30 * time.Second
	// patienceStopped lets a stopping process end within the platform's 30 s.
	patienceStopped = 5 * time.Second
)

// record writes the ending, and retries while the database is unavailable. It continues when the worker is told to
// stop, because nothing else knows that a letter was sent.
func (w *DeliverWorker) record(ctx context.Context, a attempt, end ending) error {
	limit := w.Patience
	if limit == 0 {
		limit = patience
	}
	recordCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-recordCtx.Done():
		case <-time.After(patienceStopped):
			cancel()
		}
	})
	defer stop()

	step := a.finish
	if end.err != nil {
		step = a.hold
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := step(recordCtx, func(tx pgx.Tx) error { return w.close(recordCtx, tx, a.id, end) })
		if err == nil {
			return end.err
		}
		if !errors.Is(err, work.ErrLost) {
			w.Log.WarnContext(ctx, "cannot record how a mail ended; will retry", "message_id", a.id, "state", end.state, "err", err)
			select {
			case <-time.After(wait):
				continue
			case <-recordCtx.Done():
			}
		}
		return fmt.Errorf("record that message %d is %s: %w", a.id, end.state, errors.Join(err, end.err))
	}
}
