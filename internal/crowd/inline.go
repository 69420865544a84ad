package crowd

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/work"
)

// Inline does the workers' work in the request, by the workers' own functions.
type Inline struct {
	pool    *pgxpool.Pool
	lists   *recommend.ReaderWorker
	deliver *mail.DeliverWorker
	log     *slog.Logger
}

// NewInline returns an Inline whose lists enqueue mail by jobs, and whose mail is delivered by deliver.
func NewInline(pool *pgxpool.Pool, jobs *work.Client, deliver *mail.DeliverWorker, log *slog.Logger) *Inline {
	// A reader gets at most one "ready" mail a day. Here each list is made on another day, so that every request sends its mail.
	var days atomic.Int64
	now := func() time.Time { return time.Now().AddDate(0, 0, int(days.Add(1))) }
	return &Inline{pool, &recommend.ReaderWorker{DB: pool, Jobs: jobs, Log: log, Now: now}, deliver, log}
}

type tasteKey struct{}

// Note makes the change without enqueueing a job, and remembers whose taste it changes.
func (*Inline) Note(ctx context.Context, db pipeline.DB, jobs *work.Client, readerID int64, changes ...func(pgx.Tx) error) error {
	if changed, ok := ctx.Value(tasteKey{}).(*int64); ok {
		*changed = readerID
	}
	return ChangeAlone(ctx, db, jobs, readerID, changes...)
}

// ChangeAlone makes changes without enqueueing a job.
func ChangeAlone(ctx context.Context, db pipeline.DB, _ *work.Client, _ int64, changes ...func(pgx.Tx) error) error {
	return pipeline.Transact(ctx, db, changes...)
}

// Before delays an answer until the work is done.
func (i *Inline) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		changed := new(int64)
		ctx := context.WithValue(r.Context(), tasteKey{}, changed)
		next.ServeHTTP(&heldAnswer{w, func() error {
			if *changed == 0 {
				return nil
			}
			return i.work(ctx, *changed)
		}, i.log}, r.WithContext(ctx))
	})
}

// work makes the list, and then sends the mail about it. (It also enqueues the mail's job, which takes less than a hundredth of
// the mail server's time.)
func (i *Inline) work(ctx context.Context, readerID int64) error {
	err := i.lists.Make(ctx, readerID, func(effects func(pgx.Tx) error) error {
		return pgx.BeginFunc(ctx, i.pool, effects)
	})
	if err != nil {
		return err
	}
	var message int64
	err = i.pool.QueryRow(ctx, "select id from message where reader_id = $1 and state = 'queued' order by id desc limit 1",
		readerID).Scan(&message)
	if err != nil {
		return fmt.Errorf("find the mail of reader %d: %w", readerID, err)
	}
	return i.deliver.Deliver(ctx, message)
}

// heldAnswer does the work before the answer's first byte.
type heldAnswer struct {
	http.ResponseWriter
	work func() error
	log  *slog.Logger
}

func (h *heldAnswer) WriteHeader(status int) {
	if err := h.work(); err != nil {
		h.log.Error("inline work failed", "err", err)
		status = http.StatusInternalServerError
	}
	h.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer whose deadlines a route with a longer limit extends.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }
