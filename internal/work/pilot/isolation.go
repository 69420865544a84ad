package pilot

import (
	"context"
	_ "embed"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"

	"github.com/backlist/backlist/db"
)

// Isolation: if IsolateAfter workers died while they ran a job, a worker runs it with no other job beside it. If that worker
// dies too, the job is the cause and is discarded as a poison pill. A rescue moves such jobs to IsolationQueue; all that is
// special about running them is in this file. A limit on how many jobs of a kind or key run at once would need a file like it:
// a turn to ask the server for, a statement to fetch with, and a policy that the gate consults.
const (
	// IsolationQueue is the queue of isolated jobs. Views of schema jobs know its name.
	IsolationQueue = "alone"
	// SinglyQueue is the queue of brief jobs that do not run in batches: see package brief. Views of schema jobs know its name.
	SinglyQueue = "singly"
	// IsolateAfter is the number of workers that died running a job after which it is isolated.
	IsolateAfter = 2
)

var (
	//go:embed sql/turn_isolated.sql
	turnIsolatedSQL string
	//go:embed sql/fetch_isolated.sql
	fetchIsolatedSQL string
)

const (
	// quietFor is how long a worker fetches nothing else while an isolated job waits. Each look at the isolated jobs' queue,
	// every second, renews it; it ends by itself because an operator may pause that queue.
	quietFor = 5 * time.Second
	// isolatedFor is how long a worker runs isolated jobs one after the other before it runs others again: after a change, the
	// next isolated job must wait for the others to end, which takes longer than most jobs do.
	isolatedFor = 10 * time.Second
	// turnAgain is how soon a worker asks for its turn again while an isolated job waits, since the turn changes.
	turnAgain = time.Second
	// isolationPoll is how often it asks otherwise, since the queue is nearly always empty, and pollTold how often if heartbeats
	// poll the queue too.
	isolationPoll = 4 * time.Second
	pollTold      = 20 * time.Second
)

// IsolationConfig returns the configuration with which a worker's client works IsolationQueue. poll is how often the worker polls,
// or 0 if its heartbeats do.
func IsolationConfig(poll time.Duration) river.QueueConfig {
	if poll == 0 {
		return river.QueueConfig{MaxWorkers: 1, FetchPollInterval: pollTold}
	}
	return river.QueueConfig{MaxWorkers: 1, FetchPollInterval: isolationPoll}
}

// isolationTurn reports whether an isolated job waits that this worker may take now, and tells the gate. At any time half of the
// workers, at least one, have the turn: if every worker went quiet for these jobs, no other job would run. All workers compute
// the same choice, which changes every ten seconds because the chosen ones may not know the jobs' kinds.
func (p *Pilot) isolationTurn(ctx context.Context, exec riverdriver.Executor, params *riverdriver.JobGetAvailableParams) (turn bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, ownTimeout)
	defer cancel()
	var waiting bool
	err = exec.QueryRow(ctx, db.Statement(turnIsolatedSQL, params.Schema), pgx.NamedArgs{
		"queue": IsolationQueue, "kinds": params.Kind, "client": p.attempts.clientID,
	}).Scan(&waiting, &turn)
	if err != nil {
		return false, err
	}
	p.gate.isolatedWaits(turn)
	if waiting {
		p.conn.pollIn(params.Queue, turnAgain)
	}
	return turn, nil
}

// isolation is the policy for isolated jobs in this process. The gate asks it before each fetch, and reports to it how fetches
// and jobs end; a limit on how many jobs of a kind or key run at once would answer the same calls. The gate's lock guards it.
type isolation struct {
	active bool      // an isolated job runs or is being fetched
	quiet  time.Time // until then nothing else is fetched, because such a job waits for the running ones to end
	since  time.Time // when the first of the present series of isolated jobs began; zero if none runs
}

// allows reports whether a queue may be fetched from; busy means that a job runs here or a fetch is in flight.
func (i *isolation) allows(queue string, busy bool) bool {
	switch {
	case i.active:
		return false
	case queue == IsolationQueue:
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
	} else if !i.active {
		i.since = time.Time{}
	}
}

// fetching notes that a fetch from a queue begins.
func (i *isolation) fetching(queue string) { i.active = queue == IsolationQueue }

// fetched notes how many jobs the fetch brought.
func (i *isolation) fetched(queue string, jobs int) {
	if queue != IsolationQueue {
		return
	}
	i.active, i.quiet = jobs > 0, time.Time{}
	switch {
	case jobs == 0:
		i.since = time.Time{}
	case i.since.IsZero():
		i.since = time.Now()
	}
}

// ended notes that a job of a queue has ended, and reports whether to look for the next one there.
func (i *isolation) ended(queue string) (again bool) {
	if queue != IsolationQueue {
		return false
	}
	i.active = false
	if time.Since(i.since) < isolatedFor {
		i.quiet = time.Now().Add(quietFor) // until the caller's next fetch shows whether another job waits
	} else {
		i.since = time.Time{}
	}
	return true
}
