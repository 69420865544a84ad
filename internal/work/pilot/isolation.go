package pilot

import "time"

// AloneQueue is where a job waits that two workers died with. It is isolated: it runs with nothing beside it in its worker,
// so that the next death names the culprit.
const AloneQueue = "alone"

const (
	// quietFor is how long nothing else is fetched for an isolated job that waits, unless that is asked for again. It is asked
	// for with each look at its queue, every second; an operator may pause that queue meanwhile.
	quietFor = 5 * time.Second
	// aloneFor is how long isolated jobs run one after the other before the worker goes back to the others: waiting again for
	// these to end takes longer than most jobs do.
	aloneFor = 10 * time.Second
)

// isolation is the policy for isolated jobs in this process. The gate asks it before each fetch and tells it what becomes of
// fetches and jobs; a limit on how many jobs of a kind or key run at once would answer the same calls. The gate's lock guards it.
type isolation struct {
	alone bool      // an isolated job runs, or is being fetched
	quiet time.Time // until then nothing else is fetched, because such a job waits for the others to end
	since time.Time // when the first of the isolated jobs that now run in turn began; zero if none does
}

// allows reports whether a queue may be fetched from; busy says that a job runs here or may be on its way.
func (i *isolation) allows(queue string, busy bool) bool {
	switch {
	case i.alone:
		return false
	case queue == AloneQueue:
		return !busy
	default:
		return time.Now().After(i.quiet)
	}
}

// waits notes whether an isolated job waits for its turn here; meanwhile nothing else is fetched.
func (i *isolation) waits(waiting bool) {
	i.quiet = time.Time{}
	if waiting {
		i.quiet = time.Now().Add(quietFor)
	} else if !i.alone {
		i.since = time.Time{}
	}
}

// fetching notes that a fetch from a queue begins.
func (i *isolation) fetching(queue string) { i.alone = queue == AloneQueue }

// fetched notes how many jobs it brought.
func (i *isolation) fetched(queue string, jobs int) {
	if queue != AloneQueue {
		return
	}
	i.alone, i.quiet = jobs > 0, time.Time{}
	switch {
	case jobs == 0:
		i.since = time.Time{}
	case i.since.IsZero():
		i.since = time.Now()
	}
}

// ended notes that a job of a queue has ended, and reports whether to look for the next one there.
func (i *isolation) ended(queue string) (again bool) {
	if queue != AloneQueue {
		return false
	}
	i.alone = false
	if time.Since(i.since) < aloneFor {
		i.quiet = time.Now().Add(quietFor) // until the fetch that is asked for here says whether another waits
	} else {
		i.since = time.Time{}
	}
	return true
}
