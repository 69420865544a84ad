package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/work"
)

// The contenders. All but the last are web processes of their own.
const (
	noJob    = "no job"
	withJob  = "with job"
	inlined  = "inline"
	sqlAlone = "SQL alone"

	workerProcess = "worker"
)

// benchProcess is one of the processes that are measured: the product's web process or a variant of it, or a worker. It
// ends with ctx, or when its standard input does, which is when the run that started it is gone.
func (p *program) benchProcess(ctx context.Context, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, p.Stdin)
		cancel()
	}()
	log := newLogger(p.Stderr, p.cfg)
	if name == workerProcess {
		fmt.Fprintln(p.Stdout, name)
		return p.work(ctx, log, p.cfg.DatabaseURL, nil)
	}
	p.limitMemory()
	pool, site, err := p.openSite(ctx, log, p.cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	defer keepRequests(ctx, site)()
	server := site.HTTPServer("")
	switch name {
	case withJob:
		defer hearNotices(ctx, site, pool)() // the only one: each listener on the server costs every notice something
	case noJob:
		site.TasteChange = func(_ context.Context, _ pgx.Tx, _ *work.Client, _ int64, change func() error) error { return change() }
	case inlined:
		inline, err := p.newInlineWork(pool, log)
		if err != nil {
			return err
		}
		site.TasteChange = inline.note
		server.Handler = inline.before(server.Handler)
	default:
		return fmt.Errorf("bench has no process %q", name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, listener.Addr())
	return serveSite(ctx, log, site, server, pool, listener)
}

// inlineWork does in the request what the product leaves to workers, by the workers' own functions.
type inlineWork struct {
	pool    *pgxpool.Pool
	lists   *recommend.ReaderWorker
	deliver *mail.DeliverWorker
	log     *slog.Logger
}

func (p *program) newInlineWork(pool *pgxpool.Pool, log *slog.Logger) (*inlineWork, error) {
	jobs, err := p.newJobs(pool, log)
	if err != nil {
		return nil, err
	}
	deliver, err := p.deliverWorker(pool, log)
	if err != nil {
		return nil, err
	}
	// A reader gets one "ready" mail a day. Here each list is made on a day of its own, so that every request has its
	// mail.
	var days atomic.Int64
	now := func() time.Time { return time.Now().AddDate(0, 0, int(days.Add(1))) }
	return &inlineWork{pool, &recommend.ReaderWorker{DB: pool, Jobs: jobs, Log: log, Now: now}, deliver, log}, nil
}

type tasteKey struct{}

// note makes the change without enqueueing a job, and remembers whose taste it changes.
func (*inlineWork) note(ctx context.Context, _ pgx.Tx, _ *work.Client, readerID int64, change func() error) error {
	if changed, ok := ctx.Value(tasteKey{}).(*int64); ok {
		*changed = readerID
	}
	return change()
}

// before holds an answer back until the work is done.
func (i *inlineWork) before(next http.Handler) http.Handler {
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

// work makes the list, then sends the mail that it gives cause for. (The mail's job is enqueued as well, which costs less
// than a hundredth of what the mail server does.)
func (i *inlineWork) work(ctx context.Context, readerID int64) error {
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
