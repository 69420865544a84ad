package brief

import (
	"context"
	_ "embed"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/pilot"
)

var (
	//go:embed sql/waiting.sql
	waitingSQL string
	//go:embed sql/know_queues.sql
	knowQueuesSQL string
)

const (
	// HeadMost is how many jobs at the head of a brief queue may be of one worker's batches: when it dies, one of them may be the cause.
	// As many more may have been taken and completed by others meanwhile.
	HeadMost = 2 * loopsMost * most
	// most is the largest batch.
	most = 512
	// loopsMost is how many batches a process runs at once: while one waits for the server, the other's handlers run.
	loopsMost = 2
	// knowEvery is how often the rows of the queues are renewed.
	knowEvery = time.Hour
	// lookTimeout bounds the statements between batches: a connection may be cut without a word.
	lookTimeout = 5 * time.Second
	// retryFirst and retryLast bound the wait after an error of the connection; it doubles each time.
	retryFirst = 50 * time.Millisecond
	retryLast  = time.Second
)

// Config says what a Lane works, and by which means.
type Config struct {
	Kinds  []Kind
	Pool   *pgxpool.Pool // the connections of jobs
	Own    *pgxpool.Pool // the worker's own, for looks between the batches
	Gate   *pilot.Gate
	Worker string        // its name
	Schema string        // River's
	Poll   time.Duration // how often the lane looks for jobs whose notice was lost
	Log    *slog.Logger

	// Work runs a job's handler, and sets the job's outcome and record. It must not panic.
	Work func(ctx context.Context, j *Job)
	// Enqueue enqueues the further jobs of a job in its batch's transaction.
	Enqueue func(ctx context.Context, tx pgx.Tx, j *Job, jobs []Enqueued) error
	// Done is called for each job whose outcome is committed.
	Done func(ctx context.Context, j *Job)
}

// Kind is a brief kind of job.
type Kind struct {
	Names []string // its name and its aliases
	Queue string   // of its own
	Most  int      // how many of its jobs one batch runs
}

func (k Kind) has(name string) bool { return slices.Contains(k.Names, name) }

// Lane works brief jobs in a worker process.
type Lane struct {
	Config
	turns *turns
}

// NewLane returns a lane that starts when Run is called.
func NewLane(c Config) *Lane {
	for i := range c.Kinds {
		c.Kinds[i].Most = min(max(c.Kinds[i].Most, 1), most)
	}
	return &Lane{Config: c, turns: newTurns(c.Kinds, c.Poll)}
}

// Noticed takes River's notices: of jobs in a queue, and of queues that are paused or resumed.
func (l *Lane) Noticed(_, payload string) { l.turns.noticed(payload) }

// Run works jobs until ctx ends, and returns when its batches have ended. Batches last less than a second, unless the database
// is slow.
func (l *Lane) Run(ctx context.Context) {
	loops := min(loopsMost, int(l.Pool.Config().MaxConns+1)/2)
	done := make(chan struct{})
	for range loops {
		go func() {
			l.loop(ctx)
			done <- struct{}{}
		}()
	}
	for range loops {
		<-done
	}
}

// loop runs one batch after the other.
func (l *Lane) loop(ctx context.Context) {
	h := newHandlers(l.Work)
	defer func() { h.close() }()
	retry := retryFirst
	for {
		q, look := l.turns.next(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case look:
			l.look(ctx)
			continue
		}
		var err error
		if h, err = l.batch(ctx, q, h); err == nil {
			retry = retryFirst
			continue
		}
		if ctx.Err() == nil {
			l.Log.WarnContext(ctx, "brief jobs could not be worked; will retry", "queue", q.kind.Queue, "in", retry, "err", err)
		}
		l.turns.later(q, retry)
		retry = min(2*retry, retryLast)
	}
}

// look finds the queues whose jobs wait although no notice came.
func (l *Lane) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	err := l.know(ctx)
	var names []string
	if err == nil {
		var rows pgx.Rows
		rows, err = l.Own.Query(ctx, db.Statement(waitingSQL, l.Schema), l.turns.names)
		if err == nil {
			names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
	}
	if err != nil {
		l.Log.WarnContext(ctx, "could not look for brief jobs; will retry", "err", err)
	}
	for _, name := range names {
		l.turns.wake(name)
	}
}

// know makes the queues known, now and then.
func (l *Lane) know(ctx context.Context) error {
	if !l.turns.toKnow() {
		return nil
	}
	_, err := l.Own.Exec(ctx, db.Statement(knowQueuesSQL, l.Schema), l.turns.names)
	if err == nil {
		l.turns.known()
	}
	return err
}
