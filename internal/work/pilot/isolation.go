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

// Isolation: a job that IsolateAfter workers died with runs with nothing beside it in its worker, so that the next death names
// the culprit: such a job is discarded as a poison pill. A rescue moves jobs to IsolationQueue; everything that is special about
// running them is in this file. A limit on how many jobs of a kind or key run at once would have a file like it: a turn to ask
// the server for, a statement to fetch with, and a policy that the gate asks and tells.
const (
	// IsolationQueue is the queue of isolated jobs. Views of schema jobs know its name.
	IsolationQueue = "alone"
	// IsolateAfter is how many workers must have died while they ran a job.
	IsolateAfter = 2
)

var (
	//go:embed sql/turn_isolated.sql
	turnIsolatedSQL string
	//go:embed sql/fetch_isolated.sql
	fetchIsolatedSQL string
)

const (
	// quietFor is how long nothing else is fetched for an isolated job that waits, unless that is asked for again. It is asked
	// for with each look at its queue, every second; an operator may pause that queue meanwhile.
	quietFor = 5 * time.Second
	// isolatedFor is how long isolated jobs run one after the other before the worker goes back to the others: waiting again for
	// these to end takes longer than most jobs do.
	isolatedFor = 10 * time.Second
	// turnAgain is how soon a worker asks again for its turn while an isolated job waits: the turn changes.
	turnAgain = time.Second
	// isolationPoll is how often it asks otherwise: the queue is nearly always empty.
	isolationPoll = 4 * time.Second
)

// IsolationConfig is how a worker's client works IsolationQueue.
func IsolationConfig() river.QueueConfig {
	return river.QueueConfig{MaxWorkers: 1, FetchPollInterval: isolationPoll}
}

// fetchStatement is the statement that takes jobs of a queue. An isolated job also waits while the queue that it came from is
// paused.
func fetchStatement(queue string) string {
	if queue == IsolationQueue {
		return fetchIsolatedSQL
	}
	return fetchSQL
}

// isolationTurn reports whether an isolated job waits that this worker may take now, and tells the gate. Half of the workers may
// at a time, which all agree on, or one: if every worker went quiet for these jobs, nothing else would be done meanwhile. The
// choice changes every ten seconds, since those chosen may not know the jobs' kinds.
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

// isolation is the policy for isolated jobs in this process. The gate asks it before each fetch and tells it what becomes of
// fetches and jobs; a limit on how many jobs of a kind or key run at once would answer the same calls. The gate's lock guards it.
type isolation struct {
	active bool      // an isolated job runs, or is being fetched
	quiet  time.Time // until then nothing else is fetched, because such a job waits for the others to end
	since  time.Time // when the first of the isolated jobs that now run in turn began; zero if none does
}

// allows reports whether a queue may be fetched from; busy says that a job runs here or may be on its way.
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

// fetched notes how many jobs it brought.
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
		i.quiet = time.Now().Add(quietFor) // until the fetch that is asked for here says whether another waits
	} else {
		i.since = time.Time{}
	}
	return true
}
