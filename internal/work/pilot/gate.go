package pilot

import (
	"sync"

	"github.com/riverqueue/river/rivertype"
)

// Gate decides whether this process fetches jobs.
type Gate struct {
	attempts *Attempts // of this process

	mu        sync.Mutex
	running   int // jobs that run
	fetching  int // fetches in flight, which may bring more
	draining  bool
	dead      bool // no heartbeat was confirmed for too long
	stopping  bool
	isolation isolation

	refused map[string]bool    // queues whose fetch was refused since they were last woken
	wake    func(queue string) // makes River fetch from a queue; it never waits
}

func newGate(attempts *Attempts, wake func(queue string)) *Gate {
	return &Gate{attempts: attempts, refused: map[string]bool{}, wake: wake}
}

// SetDraining sets whether an operator drains this worker: then it fetches nothing. It takes effect at once.
func (g *Gate) SetDraining(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.draining = on
	g.reopen()
}

// SetStopping makes fetching stop for good.
func (g *Gate) SetStopping() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopping = true
}

// SetDead sets the reason why this process may have been declared dead: then it fetches nothing, and every running job is
// cancelled with cause. A nil cause means that a heartbeat was confirmed again.
func (g *Gate) SetDead(cause error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead = cause != nil
	g.attempts.setDead(cause)
	g.reopen()
}

// Running returns how many jobs run, and whether a fetch is in flight.
func (g *Gate) Running() (jobs int, fetching bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running, g.fetching > 0
}

// Enter reports whether this process may take jobs of a queue in a way other than by River's producers. If so, Leave must follow
// with how many it took, and Ended when they have ended; if not, the queue is woken once it may.
func (g *Gate) Enter(queue string) bool { return g.enter(queue) }

// Leave ends what Enter began.
func (g *Gate) Leave(queue string, jobs int) { g.leave(queue, jobs) }

// Ended notes that jobs that were taken after Enter no longer run.
func (g *Gate) Ended(jobs int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running -= jobs
	g.reopen()
}

// enter reports whether a queue may be fetched from. If so, leave must follow the fetch; if not, the queue is woken once it may.
func (g *Gate) enter(queue string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.mayFetch(queue) {
		g.refused[queue] = true
		return false
	}
	g.isolation.fetching(queue)
	g.fetching++
	return true
}

func (g *Gate) mayFetch(queue string) bool {
	if g.draining || g.dead || g.stopping {
		return false
	}
	return g.isolation.allows(queue, g.running+g.fetching > 0)
}

// reopen wakes the queues that were refused and may be fetched from now; mu is held.
func (g *Gate) reopen() {
	for queue := range g.refused {
		if g.mayFetch(queue) {
			delete(g.refused, queue)
			g.wake(queue)
		}
	}
}

// leave ends a fetch that brought the given number of jobs.
func (g *Gate) leave(queue string, jobs int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fetching--
	g.running += jobs
	g.isolation.fetched(queue, jobs)
	g.reopen()
}

// isolatedWaits notes whether an isolated job waits for its turn in this process.
func (g *Gate) isolatedWaits(waiting bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.isolation.waits(waiting)
	g.reopen()
}

// endedJob notes that an attempt no longer runs. Its outcome may be stored already, and this process may have the next attempt.
func (g *Gate) endedJob(job *rivertype.JobRow) {
	g.attempts.ended(job)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if g.isolation.ended(job.Queue) {
		g.wake(job.Queue)
	}
	g.reopen()
}
