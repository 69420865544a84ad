package lab

import (
	"bytes"
	"context"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/trace"
)

// site has the two handlers that are compared. Both load the reader, make recommendations, send a mail and render the page.
type site struct {
	*Run
	jobIDs []int64 // enqueued by background
}

// inline does all of it before it answers.
func (s *site) inline(ctx context.Context, w io.Writer) error {
	me, err := s.Slow.load(ctx, s.By.ReaderID)
	if err != nil {
		return err
	}
	if err := s.recommendNow(ctx, me); err != nil { // the reader waits
		return err
	}
	if err := s.mailNow(ctx, me); err != nil { // the reader still waits
		return err
	}
	return s.render(ctx, w, me)
}

// background enqueues the two slow steps. The page is rendered first, so that nothing can fail after the commit.
func (s *site) background(ctx context.Context, w io.Writer) error {
	me, err := s.Slow.load(ctx, s.By.ReaderID)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := s.render(ctx, &page, me); err != nil {
		return err
	}
	if err := s.enqueue(ctx, me); err != nil { // in place of both slow steps
		return err
	}
	_, err = page.WriteTo(w)
	return err
}

// enqueue writes the letter's row and both jobs in one transaction: all of them or none.
func (s *site) enqueue(ctx context.Context, me store.Reader) error {
	return s.step(ctx, "enqueue", func(ctx context.Context, tx pgx.Tx) error {
		letter, err := s.Slow.write(ctx, tx, me, s.ID, "background")
		if err != nil {
			return err
		}
		added, err := s.Jobs.InsertManyTx(ctx, tx, []river.InsertManyParams{
			{Args: RecommendArgs{ReaderID: me.ID}}, {Args: MailArgs{MessageID: letter}},
		})
		for _, job := range added {
			s.jobIDs = append(s.jobIDs, job.Job.ID)
		}
		return err
	})
}

// warmUp does what both handlers do, except for sending.
func (s *site) warmUp(ctx context.Context) error {
	me, err := s.Slow.load(ctx, s.By.ReaderID)
	if err == nil {
		err = s.recommendNow(ctx, me)
	}
	if err == nil {
		err = s.render(ctx, io.Discard, me)
	}
	return err
}

// step runs a transaction as a step of the request.
func (s *site) step(ctx context.Context, name string, fn func(context.Context, pgx.Tx) error) error {
	return trace.Step(ctx, name, func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error { return fn(ctx, tx) })
	})
}

func (s *site) recommendNow(ctx context.Context, me store.Reader) error {
	return trace.Step(ctx, "recommend", func(ctx context.Context) error { return s.Slow.recommend(ctx, me.ID) })
}

func (s *site) mailNow(ctx context.Context, me store.Reader) error {
	return trace.Step(ctx, "mail", func(ctx context.Context) error {
		var letter int64
		err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) (err error) {
			letter, err = s.Slow.write(ctx, tx, me, s.ID, "inline")
			return err
		})
		if err != nil {
			return err
		}
		return s.Slow.deliver(ctx, letter)
	})
}

func (s *site) render(ctx context.Context, w io.Writer, me store.Reader) error {
	return trace.Step(ctx, "render", func(ctx context.Context) error { return s.Page(ctx, w, me.ID) })
}
