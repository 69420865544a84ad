package record

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/work/pilot"
)

const (
	// flushEvery is how often what was noted is written.
	flushEvery = time.Second
	// flushAt is how many attempts are not left to wait for that.
	flushAt = 1000
	// batchMost is how many are written in one transaction. While it lasts it holds one of River's connections, which may be
	// the only one.
	batchMost = 1000
	// bufferMost bounds what is kept while the database is away, in bytes: some 25 000 attempts.
	bufferMost = 16 << 20
	// lastFlush bounds the last write of a process that stops; it comes after all else, and the platform kills at 30 s.
	lastFlush = time.Second
	// lockedWait is how soon the last write is tried again that others' locks prevented.
	lockedWait = 20 * time.Millisecond
	// tidyEvery is how often what is too old is deleted, by whichever process comes first.
	tidyEvery = time.Minute
)

// Recorder notes a worker's attempts and writes them in batches, beside the work and never in its way.
type Recorder struct {
	pool    *pgxpool.Pool
	worker  string
	release string
	without Parts
	log     *slog.Logger
	lockKey int64

	mu      sync.Mutex
	noted   []*Attempt
	bytes   int // of noted
	dropped int // the buffer was full
	many    chan struct{}

	writing []batch    // what was taken from noted and is not written; only the goroutine of run has it
	owed    []addition // of attempts that are written: others had their rows locked; the same
	away    bool       // the latest write failed; the same
}

// batch is what is written in one transaction.
type batch struct {
	attempts []*Attempt
	unsure   bool       // it was tried, and may have been written although we heard nothing
	owed     []addition // if it was
}

// NewRecorder returns a recorder for the process by, which is a worker, or another that rescues jobs. Nothing is written until
// Start.
func NewRecorder(pool *pgxpool.Pool, by string, o Options) *Recorder {
	return &Recorder{
		pool: pool, worker: by, release: o.Release, without: o.Without, log: o.Log, lockKey: rand.Int64(), many: make(chan struct{}, 1),
	}
}

// Enabled reports whether anything is recorded of jobs that run here.
func (r *Recorder) Enabled() bool { return r.without != Everything }

// Note takes an attempt that has ended. It never waits for the database: if that is away for long, the oldest are dropped.
func (r *Recorder) Note(a *Attempt) {
	a.bytes = 640 + len(a.Err) + len(a.Stack)
	if a.Steps != nil {
		a.bytes += a.Steps.Len() * 160
	}
	r.mu.Lock()
	r.noted = append(r.noted, a)
	r.bytes += a.bytes
	for r.bytes > bufferMost {
		r.bytes -= r.noted[0].bytes
		r.noted[0] = nil
		r.noted = r.noted[1:]
		r.dropped++
	}
	enough := len(r.noted) == flushAt
	r.mu.Unlock()
	if enough {
		select {
		case r.many <- struct{}{}:
		default:
		}
	}
}

// take moves the oldest attempts into a batch; ok is false if there are none.
func (r *Recorder) take() (b batch, dropped int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.noted), batchMost)
	b.attempts = r.noted[:n:n]
	r.noted = r.noted[n:]
	if len(r.noted) == 0 {
		r.noted = nil // the array goes with the batch
	}
	for _, a := range b.attempts {
		r.bytes -= a.bytes
	}
	dropped, r.dropped = r.dropped, 0
	return b, dropped, n > 0
}

// Start writes what is noted, beside the work, until stop is called, which writes the rest unless the database is away.
func (r *Recorder) Start(ctx context.Context) (stop func()) {
	runCtx, stopRun := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.run(runCtx)
	}()
	return func() {
		stopRun()
		<-stopped
		ctx, cancel := context.WithTimeout(ctx, lastFlush)
		defer cancel()
		for r.flush(ctx); r.left() > 0 && !r.away && ctx.Err() == nil; r.flush(ctx) {
			select {
			case <-ctx.Done():
			case <-time.After(lockedWait):
			}
		}
		if n := r.left(); n > 0 || len(r.owed) > 0 {
			r.log.WarnContext(ctx, "attempts were not written before the end", "attempts", n, "sums", len(r.owed))
		}
	}
}

// left is how many attempts are not written; none may be being written.
func (r *Recorder) left() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = len(r.noted) + r.dropped
	for _, b := range r.writing {
		n += len(b.attempts)
	}
	return n
}

func (r *Recorder) run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	marked, tidied := false, time.Now()
	for {
		if !marked {
			marked = markRelease(ctx, r.pool, r.release) == nil
		}
		many := r.many
		if r.away {
			many = nil // one try a tick is enough
		}
		select {
		case <-ctx.Done():
			return
		case <-many:
		case <-tick.C:
		}
		r.flush(ctx)
		if time.Since(tidied) > tidyEvery {
			tidied = time.Now()
			if err := Tidy(ctx, r.pool); err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "old measurements could not be deleted", "err", err)
			}
		}
	}
}

// flush writes all that is noted, or what it can until something fails or is locked; the rest waits for the next time.
func (r *Recorder) flush(ctx context.Context) {
	for ctx.Err() == nil {
		if len(r.writing) == 0 {
			b, dropped, ok := r.take()
			if dropped > 0 {
				r.log.WarnContext(ctx, "attempts were dropped: they could not be written in time", "attempts", dropped)
			}
			if !ok && len(r.owed) == 0 {
				return
			}
			r.writing = []batch{b}
		}
		b := &r.writing[0]
		last := len(b.attempts) == 0 // only what is owed
		err := r.write(ctx, b)
		switch {
		case err == nil:
			if r.away {
				r.log.InfoContext(ctx, "attempts are written again")
			}
			r.away, r.writing = false, r.writing[1:]
			if last {
				return
			}
		case pilot.IsRefused(err) && len(b.attempts) <= 1:
			r.log.ErrorContext(ctx, "an attempt cannot be stored and is dropped", "attempts", len(b.attempts), "sums", len(r.owed), "err", err)
			r.writing, r.owed = r.writing[1:], nil
		case pilot.IsRefused(err): // halve it until the one at fault is alone
			half := len(b.attempts) / 2
			r.writing = append([]batch{{attempts: b.attempts[:half]}, {attempts: b.attempts[half:]}}, r.writing[1:]...)
		case pilot.IsContended(err): // a table is locked, as by vacuum full
			return
		default:
			if !r.away && ctx.Err() == nil {
				r.log.WarnContext(ctx, "attempts cannot be written: they are kept for later", "err", err)
			}
			r.away, b.unsure = true, true
			return
		}
	}
}
