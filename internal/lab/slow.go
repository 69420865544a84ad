package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

// Slow does the two slow steps of the lesson, in a request or in a job: the site's own code, with a mail server that is slow and
// delivers nothing.
type Slow struct {
	DB interface {
		store.DBTX
		work.DB
	}
	Lists     *recommend.ReaderWorker // makes lists; it must be quiet, since the lab sends its own mail
	Letters   mail.DeliverWorker      // writes and records letters; its Sender is not used
	MailDelay time.Duration
}

// recommend makes the reader's list.
func (s *Slow) recommend(ctx context.Context, readerID int64) error {
	return s.Lists.Make(ctx, readerID, func(effects func(pgx.Tx) error) error { return pgx.BeginFunc(ctx, s.DB, effects) })
}

// deliver sends a message through the slow mail server, and records it as sent.
func (s *Slow) deliver(ctx context.Context, messageID int64) error {
	return s.withSender(func(sender *mail.Sender) error {
		letters := s.Letters
		letters.DB, letters.Sender = s.DB, sender
		return letters.Deliver(ctx, messageID)
	})
}

// deliverNowhere tries to send a message while the mail server is down: its port is closed.
func (s *Slow) deliverNowhere(ctx context.Context, messageID int64) error {
	sender, err := nowhere()
	if err != nil {
		return err
	}
	letters := s.Letters
	letters.DB, letters.Sender = s.DB, sender
	return letters.Deliver(ctx, messageID)
}

// nowhere returns a sender to a mail server that has been stopped.
func nowhere() (*mail.Sender, error) {
	sink, err := mail.StartSink(mail.SinkConfig{})
	if err != nil {
		return nil, err
	}
	if err := sink.Close(); err != nil {
		return nil, err
	}
	return mail.NewSender(sink.URL(), "")
}

// withSender runs fn with a sender to a mail server that lives as long.
func (s *Slow) withSender(fn func(*mail.Sender) error) error {
	sink, err := mail.StartSink(mail.SinkConfig{Delay: s.MailDelay})
	if err != nil {
		return err
	}
	defer sink.Close()
	sender, err := mail.NewSender(sink.URL(), "")
	if err != nil {
		return err
	}
	return fn(sender)
}

// write records a letter of a run to its reader, in tx, and returns the message's id.
func (s *Slow) write(ctx context.Context, tx pgx.Tx, me store.Reader, run, part string) (id int64, err error) {
	id, _, err = mail.Record(ctx, tx, mail.Draft{ReaderID: me.ID, Kind: mail.KindLab, Key: letterKey(run, part), To: me.Email})
	return id, err
}

func letterKey(run, part string) string { return fmt.Sprintf("lab:%s:%s", run, part) }

// Letter composes the letter of an experiment.
func Letter(ctx context.Context, tx pgx.Tx, msg store.Message, base string) (mail.Letter, error) {
	me, err := store.New().ReaderByID(ctx, tx, msg.ReaderID)
	if err != nil {
		return mail.Letter{}, fmt.Errorf("load reader %d: %w", msg.ReaderID, err)
	}
	return mail.Letter{
		Subject:  "A letter from the lab",
		Greeting: "Dear " + me.Name + ",",
		Paragraphs: []string{
			"An experiment on your account sent this letter, through a mail server of its own that is slow and delivers nothing.",
		},
		Action: &mail.Link{Text: "Open the lab", URL: base + "/lab"},
	}, nil
}

// load loads the reader, the first step of the lesson's request.
func (s *Slow) load(ctx context.Context, readerID int64) (me store.Reader, err error) {
	err = trace.Step(ctx, "load the reader", func(ctx context.Context) error {
		me, err = store.New().ReaderByID(ctx, s.DB, readerID)
		return err
	})
	return me, err
}
