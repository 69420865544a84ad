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
	// flushEvery is how often the noted attempts are written.
	flushEvery = time.Second
	// flushAt is the number of noted attempts that are written at once.
	flushAt = 1000
	// batchMost is how many attempts one transaction writes. It holds one of River's connections, perhaps the only one.
	batchMost = 1000
	// bufferMost bounds the attempts that are kept while the database is away, in bytes: some 25 000 attempts.
	bufferMost = 16 << 20
	// lastFlush bounds the last write of a stopping process; it comes after all else, and the platform kills at 30 s.
	lastFlush = time.Second
	// lockedWait is the wait before the last write is retried after a lock timeout.
	lockedWait = 20 * time.Millisecond
	// tidyEvery is how often a process sums up minutes and deletes old rows.
	tidyEvery = time.Minute
)

// Recorder notes a worker's attempts and writes them in batches in the background. Jobs never wait for it.
type Recorder struct {
	pool    *pgxpool.Pool
	worker  string
	release string
	schema  string // River's
	without Parts
	log     *slog.Logger
	lockKey int64

	mu      sync.Mutex
	noted   []*Attempt
	bytes   int // of noted
	dropped int // attempts, because the buffer was full
	many    chan struct{}

	// Only the goroutine of run uses these.
	writing []batch    // taken from noted and not yet written
	owed    []addition // sums of written attempts that are still to be added, because their rows were locked
	away    bool       // the latest write failed
}

// batch is written in one transaction.
type batch struct {
	attempts []*Attempt
	unsure   bool       // an earlier try may have been committed although its answer was lost
	owed     []addition // what is owed once the batch is committed
}

// NewRecorder returns a recorder for the process by: a worker, or another process that rescues jobs. It writes nothing until
// Start is called.
func NewRecorder(pool *pgxpool.Pool, by string, o Options) *Recorder {
	return &Recorder{
		pool: pool, worker: by, release: o.Release, schema: o.Schema, without: o.Without, log: o.Log, lockKey: rand.Int64(), many: make(chan struct{}, 1),
	}
}

// Enabled reports whether anything is recorded.
func (r *Recorder) Enabled() bool { return r.without != Everything }

// Note takes an attempt that has ended. It never waits for the database; if the buffer is full, it drops the oldest attempts.
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

// Start writes noted attempts in the background until stop is called. stop writes the rest, unless the database is away.
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

// left returns how many attempts are not yet written. No write may be in progress.
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
	marked, tidied, counted := false, time.Now(), time.Now().Truncate(time.Minute)
	for {
		if !marked {
			marked = markRelease(ctx, r.pool, r.release) == nil
		}
		many := r.many
		if r.away {
			many = nil // one try a second is enough
		}
		select {
		case <-ctx.Done():
			return
		case <-many:
		case <-tick.C:
		}
		r.flush(ctx)
		if minute := time.Now().Truncate(time.Minute); minute != counted { // not a minute later, which would miss one now and then
			counted = minute
			r.warn(ctx, "the backlog could not be counted", countBacklog(ctx, r.pool, r.schema))
		}
		if time.Since(tidied) > tidyEvery {
			tidied = time.Now()
			r.warn(ctx, "records could not be summed up", SumUp(ctx, r.pool))
			r.warn(ctx, "old records could not be deleted", Tidy(ctx, r.pool))
		}
	}
}

// warn logs an error, unless the process is stopping.
func (r *Recorder) warn(ctx context.Context, message string, err error) {
	if err != nil && ctx.Err() == nil {
		r.log.WarnContext(ctx, message, "err", err)
	}
}

// flush writes all noted attempts, or as many as it can until a write fails or meets a lock; the next flush writes the rest.
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
		case pilot.IsContended(err): // a table is locked, for instance by vacuum full
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
