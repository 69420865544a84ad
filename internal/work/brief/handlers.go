package brief

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"
)

const (
	// handlersMost is how long the handlers of a batch may take together. The jobs that are left wait for the next batch.
	handlersMost = 20 * time.Millisecond
	// handlerMost is how long one handler may take: its job is moved to the ordinary lane, where its time limit is its kind's.
	handlerMost = 250 * time.Millisecond
	// handlerIgnores is how long a handler may ignore the end of its context before the batch goes on without it.
	handlerIgnores = 100 * time.Millisecond
	// watchEvery is how often a handler that takes long is looked at.
	watchEvery = 25 * time.Millisecond
	// batchEffects is the number of effects from which on a batch runs no more handlers.
	batchEffects = 2000
)

// handlers runs the handlers of batches in a goroutine of their own, so that the batch can go on if one of them does not return.
type handlers struct {
	work func(ctx context.Context, j *Job)
	in   chan *running
	out  chan struct{}
}

func newHandlers(work func(ctx context.Context, j *Job)) *handlers {
	h := &handlers{work: work, in: make(chan *running), out: make(chan struct{}, 1)}
	go func() {
		for r := range h.in {
			r.run(h.work)
			h.out <- struct{}{}
		}
	}()
	return h
}

// close ends the goroutine, once the handler that it runs has returned.
func (h *handlers) close() { close(h.in) }

// running is a batch whose handlers run.
type running struct {
	ctx  context.Context //nolint:containedctx // of the handlers
	jobs []*Job
	sent time.Time // when the batch began
	at   time.Time // the same, by the server's clock

	mu    sync.Mutex
	ran   int       // jobs whose handlers have returned
	since time.Time // when the handler of the next began
	over  bool      // no more handlers are to run
}

// run runs the handlers one after the other, while there is time.
func (r *running) run(work func(ctx context.Context, j *Job)) {
	began := time.Now()
	effects := 0
	for now := began; r.begin(now); {
		j := r.jobs[r.ran]
		j.start(now.Sub(r.sent), r.at)
		work(r.ctx, j)
		n, many := j.Effects.count()
		if j.movable = many; many || j.Outcome.State != rivertype.JobStateCompleted {
			j.Effects.discard()
		}
		effects += n
		end := time.Now()
		if !r.end(end.Sub(now), end.Sub(began) >= handlersMost || effects >= batchEffects) {
			return
		}
		now = end
	}
}

// begin notes that the next handler begins; it reports false if there is none.
func (r *running) begin(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.ran == len(r.jobs) {
		return false
	}
	r.since = now
	return true
}

// end notes that a handler has returned after a time; it reports false if it was too late.
func (r *running) end(took time.Duration, last bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return false
	}
	r.jobs[r.ran].took = took
	r.ran++
	r.over = last
	return true
}

// stop ends the batch if its present handler takes too long, and returns that handler's job.
func (r *running) stop(now time.Time) (slow *Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.ran == len(r.jobs) || now.Sub(r.since) < handlerMost {
		return nil
	}
	r.over = true
	return r.jobs[r.ran]
}

// run runs the handlers of jobs. It returns those that ran in time, and the job whose handler did not, if there is one. If that handler
// still runs, the returned handlers are new ones.
func (h *handlers) run(ctx context.Context, jobs []*Job, sent, at time.Time) (ran []*Job, slow *Job, next *handlers) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &running{ctx: ctx, jobs: jobs, sent: sent, at: at}
	h.in <- r
	watch := time.NewTicker(watchEvery)
	defer watch.Stop()
	for slow == nil {
		select {
		case <-h.out:
			return jobs[:r.ran], nil, h
		case now := <-watch.C:
			slow = r.stop(now)
		}
	}
	cancel()
	select {
	case <-h.out:
		return jobs[:r.ran], slow, h
	case <-time.After(handlerIgnores):
		h.close()
		return jobs[:r.ran], slow, newHandlers(h.work)
	}
}
