package bulk

import (
	"cmp"
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/surface"
)

var (
	//go:embed sql/claim.sql
	claimSQL string
	//go:embed sql/renew.sql
	renewSQL string
	//go:embed sql/grown.sql
	grownSQL string
	//go:embed sql/postpone.sql
	postponeSQL string
)

const (
	// lease is how long a process has an act for itself after each chunk. During a chunk it has the row locked, and while it counts it
	// has a longer one.
	lease = 10 * time.Second
	// stepTimeout bounds a chunk, and a step of counting.
	stepTimeout = time.Minute
	// stopIn is how long a stop waits for the step that it interrupts.
	stopIn = 5 * time.Second
	// longestPause bounds the pause after each chunk, in which others get the pool's connections and the jobs' rows.
	longestPause = 100 * time.Millisecond
	// countBy is how many ids a step of counting reads.
	countBy = 20_000
	// mostFailures is the number of failures in a row after which an act fails for good: after about five minutes.
	mostFailures = 10
)

// Runner works on bulk acts, one at a time. Each process has one.
type Runner struct {
	by   string // the process's name in leases
	wake chan struct{}
	log  *slog.Logger
}

// NewRunner returns a Runner that begins when Run is called. process is the platform's name for the process.
func NewRunner(process string, log *slog.Logger) *Runner {
	return &Runner{by: cmp.Or(process, "process") + "-" + rand.Text()[:10], wake: make(chan struct{}, 1), log: log}
}

// Wake makes Run look for an act to work on. Maintenance calls it when it sees one that waits, so that an idle Runner asks nothing
// itself.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works on bulk acts until ctx ends. It uses one connection of pool at a time, and none while idle.
func (r *Runner) Run(ctx context.Context, pool *pgxpool.Pool) {
	failed := false
	for ctx.Err() == nil {
		worked, err := r.turn(ctx, pool)
		if err != nil && !failed && ctx.Err() == nil {
			r.log.WarnContext(ctx, "a bulk act waits until the database allows it", "err", err)
		}
		if failed = err != nil; worked {
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		}
	}
}

// The reasons for which work on an act ends before it is done.
var (
	errLost  = errors.New("the bulk act was cancelled, or another process works on it")
	errGrown = errors.New("more jobs match than were confirmed")
)

// turn works on one act until it is done or ctx ends. It reports false if none waits.
func (r *Runner) turn(ctx context.Context, pool *pgxpool.Pool) (worked bool, err error) {
	t, err := r.claim(ctx, pool)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err = r.work(ctx, pool, t); errors.Is(err, errGrown) {
		err = r.ask(ctx, pool, t)
	}
	if err != nil && !errors.Is(err, errLost) {
		return true, r.failed(ctx, pool, t, err)
	}
	return true, nil
}

// claim takes the lease of an act.
func (r *Runner) claim(ctx context.Context, pool *pgxpool.Pool) (*task, error) {
	ctx, cancel := step(ctx)
	defer cancel()
	rows, err := pool.Query(ctx, claimSQL, pgx.NamedArgs{"by": r.by, "lease": lease.Seconds()})
	if err != nil {
		return nil, err
	}
	claimed, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[row])
	return &task{row: claimed}, err
}

// work counts the matches of an act, unless they have been counted, and acts on one chunk after another.
func (r *Runner) work(ctx context.Context, pool *pgxpool.Pool, t *task) error {
	if err := t.read(); err != nil {
		return err
	}
	if t.Matches == nil {
		if err := r.count(ctx, pool, t); err != nil {
			return err
		}
	}
	for more := true; more; {
		if ctx.Err() != nil {
			return r.giveUp(ctx, pool, t)
		}
		began := time.Now()
		var err error
		if more, err = r.chunk(ctx, pool, t); err != nil {
			return err
		}
		sleep(ctx, min(time.Since(began), longestPause))
	}
	return nil
}

// step returns a context for one step of work, which a stop lets finish unless it takes long.
func step(ctx context.Context) (context.Context, context.CancelFunc) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	stop := context.AfterFunc(ctx, func() {
		sleep(limited, stopIn)
		cancel()
	})
	return limited, func() {
		stop()
		cancel()
	}
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// giveUp gives up the lease, so that another process can go on at once.
func (r *Runner) giveUp(ctx context.Context, pool *pgxpool.Pool, t *task) error {
	_, err := r.postpone(ctx, pool, t, 0)
	return err
}

// postpone gives up the lease, adds failed to the failures in a row, and returns their number.
func (r *Runner) postpone(ctx context.Context, pool *pgxpool.Pool, t *task, failed int) (failures int, err error) {
	ctx, cancel := step(ctx)
	defer cancel()
	err = pool.QueryRow(ctx, postponeSQL, pgx.NamedArgs{"id": t.ID, "by": r.by, "failed": failed}).Scan(&failures)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil // cancelled, or another process has the lease
	}
	return failures, err
}

// failed ends an act that cannot succeed, or postpones it so that it is retried.
func (r *Runner) failed(ctx context.Context, pool *pgxpool.Pool, t *task, cause error) error {
	if ctx.Err() != nil {
		return r.giveUp(ctx, pool, t)
	}
	sentence := cause.Error()
	if _, ok := errors.AsType[*lineError](cause); !ok && !surface.IsBadValue(cause) {
		failures, err := r.postpone(ctx, pool, t, 1)
		if err != nil || failures < mostFailures {
			return errors.Join(cause, err)
		}
		if refusal, ok := errors.AsType[*surface.Refusal](cause); ok {
			sentence = refusal.Sentence
		} else {
			sentence = "It failed for several minutes: see the log of " + r.by + "."
		}
	}
	r.log.ErrorContext(ctx, "a bulk act failed", "bulk", t.ID, "err", cause)
	ctx, cancel := step(ctx)
	defer cancel()
	_, err := pool.Exec(ctx, endSQL, t.ID, "failed", sentence)
	return err
}
