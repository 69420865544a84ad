package pilot

import (
	"context"
	"sync"
	"time"

	"github.com/riverqueue/river/rivertype"
)

// AloneQueue is where a job waits that two workers died with: it is run with nothing beside it, so that whoever dies
// next names the culprit.
const AloneQueue = "alone"

const (
	// forgetAfter is when an attempt that has ended is given up although its outcome was never written. River tries for
	// as long as the database is away, but drops what it cannot encode: such a job is rescued then.
	forgetAfter = 10 * time.Minute
	// quietFor is how long nothing else is fetched for a job that wants to run alone, unless that is asked for again. It
	// is asked for with each look at its queue, every second; somebody may pause that queue meanwhile.
	quietFor = 5 * time.Second
	// aloneFor is for how long jobs run alone one after the other before the worker goes back to the others: to wait anew
	// for these to end takes longer than most jobs do.
	aloneFor = 10 * time.Second
)

// Gate decides whether this process fetches jobs, and remembers which attempts it has: the fence compares with that.
type Gate struct {
	mu       sync.Mutex
	clientID string
	attempts map[int64]*held
	running  int   // jobs that are being executed
	fetching int   // fetches in flight, which may bring more
	draining bool  // an operator said so
	dead     error // why, if no beat was confirmed for too long
	stopping bool
	alone    bool      // a job runs alone, or is about to
	quiet    time.Time // until then nothing else is fetched, because such a job waits for the others to end
	since    time.Time // when the first of the jobs that now run alone in turn began; zero if none does

	refused map[string]bool    // queues that wanted to fetch meanwhile
	nudge   func(queue string) // makes River fetch from a queue; it never waits
}

// held is one attempt of this process.
type held struct {
	job    *rivertype.JobRow
	cancel context.CancelCauseFunc // of the job's context, once it runs
	over   error                   // why its context ended, or will as soon as it runs
	ended  time.Time               // zero while it is executed

	finished bool // it has completed its job itself
	aside    bool // its outcome waits for others to unlock the job's row
}

func newGate(clientID string, nudge func(queue string)) *Gate {
	return &Gate{clientID: clientID, attempts: map[int64]*held{}, refused: map[string]bool{}, nudge: nudge}
}

// SetDraining tells whether to fetch nothing new by an operator's wish. It takes effect at once.
func (g *Gate) SetDraining(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.draining = on
	g.reopen()
}

// SetStopping makes fetching stop for good.
func (g *Gate) SetStopping() { g.mu.Lock(); g.stopping = true; g.mu.Unlock() }

// SetDead tells why this process may have been given up for dead, and nil that a beat was confirmed again. While it may,
// nothing is fetched, and every job that runs is cancelled with cause.
func (g *Gate) SetDead(cause error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead = cause
	if cause != nil {
		g.cancelAll(cause)
	}
	g.reopen()
}

// Cancel ends the context of every running job with cause: they belong to others now.
func (g *Gate) Cancel(cause error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cancelAll(cause)
}

// CancelJob ends the context of one running job with cause.
func (g *Gate) CancelJob(id int64, cause error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if h := g.attempts[id]; h != nil {
		h.end(cause)
	}
}

func (g *Gate) cancelAll(cause error) {
	for _, h := range g.attempts {
		h.end(cause)
	}
}

func (h *held) end(cause error) {
	h.over = cause
	if h.cancel != nil {
		h.cancel(cause)
	}
}

// Running returns how many jobs are being executed, and whether any fetch is under way.
func (g *Gate) Running() (jobs int, fetching bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running, g.fetching > 0
}

// Watch lets the gate cancel a job's context. The caller must call the returned function when the job has ended.
func (g *Gate) Watch(ctx context.Context, job *rivertype.JobRow) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	if h := g.attempts[job.ID]; h != nil && h.job == job {
		h.cancel = cancel
		if h.over != nil { // between the fetch and now
			cancel(h.over)
		}
	}
	return ctx, cancel
}

// enter asks to fetch from a queue; leave must follow if it is granted. If not, the queue is nudged once it may.
func (g *Gate) enter(queue string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.mayFetch(queue) {
		g.refused[queue] = true
		return false
	}
	g.alone = queue == AloneQueue
	g.fetching++
	return true
}

func (g *Gate) mayFetch(queue string) bool {
	switch {
	case g.draining || g.dead != nil || g.stopping || g.alone:
		return false
	case queue == AloneQueue:
		return g.running == 0 && g.fetching == 0
	default:
		return time.Now().After(g.quiet)
	}
}

// reopen nudges the queues that were refused and may fetch now; mu is held.
func (g *Gate) reopen() {
	for queue := range g.refused {
		if g.mayFetch(queue) {
			delete(g.refused, queue)
			g.nudge(queue)
		}
	}
}

// leave ends a fetch that brought the given number of jobs.
func (g *Gate) leave(queue string, jobs int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fetching--
	g.running += jobs
	if queue == AloneQueue {
		g.alone, g.quiet = jobs > 0, time.Time{}
		switch {
		case jobs == 0:
			g.since = time.Time{}
		case g.since.IsZero():
			g.since = time.Now()
		}
	}
	g.reopen()
}

// waitAlone notes whether a job waits to run alone here; meanwhile nothing else is fetched.
func (g *Gate) waitAlone(waiting bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.quiet = time.Time{}
	if waiting {
		g.quiet = time.Now().Add(quietFor)
	} else if !g.alone {
		g.since = time.Time{}
	}
	g.reopen()
}

// take remembers an attempt that was fetched. It returns false where an earlier attempt of the same job has not ended
// here, or its outcome is not stored: the two could not be told apart.
func (g *Gate) take(job *rivertype.JobRow) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.attempts[job.ID] != nil {
		return false
	}
	g.attempts[job.ID] = &held{job: job, over: g.dead}
	return true
}

// Held lists the attempts that this process has, or whose outcome it has yet to store. A job that runs under its name
// and is not among them was fetched by a statement whose answer never came.
func (g *Gate) Held() (ids []int64, attempts []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, h := range g.attempts {
		if !h.ended.IsZero() && !h.aside && time.Since(h.ended) > forgetAfter {
			delete(g.attempts, id)
			continue
		}
		ids, attempts = append(ids, id), append(attempts, h.job.Attempt)
	}
	return ids, attempts
}

// known is what this process knows of a job whose outcome is to be stored. Of one that it does not have, all is zero.
type known struct {
	attempt  int
	job      *rivertype.JobRow
	finished bool
}

// known looks jobs up, in the order of ids.
func (g *Gate) known(ids []int64) []known {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]known, len(ids))
	for i, id := range ids {
		if h := g.attempts[id]; h != nil {
			list[i] = known{h.job.Attempt, h.job, h.finished}
		}
	}
	return list
}

// Finished notes that an attempt has completed its job in a transaction of its own, which is committed.
func (g *Gate) Finished(job *rivertype.JobRow) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if h := g.attempts[job.ID]; h != nil && h.job.Attempt == job.Attempt {
		h.finished = true
	}
}

// setAside notes that the outcomes of attempts wait for their jobs' rows.
func (g *Gate) setAside(ids []int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range ids {
		if h := g.attempts[id]; h != nil {
			h.aside = true
		}
	}
}

// written forgets attempts whose outcome is stored.
func (g *Gate) written(ids []int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range ids {
		delete(g.attempts, id)
	}
}

// endedJob notes that a job is not executed any more. Its outcome may be stored already, and its next attempt be here.
func (g *Gate) endedJob(job *rivertype.JobRow) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if job.Queue == AloneQueue {
		g.alone = false
		if time.Since(g.since) < aloneFor {
			g.quiet = time.Now().Add(quietFor) // until the fetch that is asked for here says whether another waits
		} else {
			g.since = time.Time{}
		}
		g.nudge(AloneQueue)
	}
	if h := g.attempts[job.ID]; h != nil && h.job == job {
		h.ended, h.cancel = time.Now(), nil
	}
	g.reopen()
}
