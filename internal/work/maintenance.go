package work

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/work/pilot"
	"github.com/backlist/backlist/internal/work/schedule"
)

//go:embed sql/due.sql
var dueSQL string

const (
	// lookEvery is how often a process looks whether anything is due, at the latest.
	lookEvery = time.Second
	// lookAgainIn is how soon at the earliest: another process may be at it.
	lookAgainIn = 50 * time.Millisecond
	// moreIn is when a process goes on with what was too much for once: its connection has other work to do in between.
	moreIn = 10 * time.Millisecond
	// keepTimeout bounds each thing that is done at a look. A connection may be cut without a word.
	keepTimeout = 5 * time.Second
)

// maintenance is what every process does, whichever leads, so that it goes on as long as there is any process: schedules run,
// and jobs that were put off come due.
type maintenance struct {
	db        *pgxpool.Pool
	schema    string // River's
	schedules *schedule.Runner
	log       *slog.Logger
}

func newMaintenance(pool *pgxpool.Pool, by string, o Options) (*maintenance, error) {
	o.Workers = nil // any kind may be enqueued, those of other releases too
	jobs, err := NewInserter(pool, o)
	if err != nil {
		return nil, err
	}
	return &maintenance{
		db: pool, schema: o.Schema, schedules: schedule.NewRunner(pool, jobs, by, o.Log), log: o.Log,
	}, nil
}

// run does maintenance until ctx ends. also is done at each look that reached the database, and may be nil; wasCutOff says that the
// one before did not. What fails is tried again.
func (m *maintenance) run(ctx context.Context, also func(ctx context.Context, wasCutOff bool) error) {
	failed, cutOff := false, false
	for ctx.Err() == nil {
		wait, err := m.look(ctx)
		if also != nil && (err == nil || isAnswer(err)) {
			err = errors.Join(err, also(ctx, cutOff))
		}
		cutOff = err != nil && !isAnswer(err)
		if allContended(err) {
			sleep(ctx, lookAgainIn)
			continue
		}
		if err != nil && ctx.Err() == nil && !failed {
			m.log.WarnContext(ctx, "maintenance failed: schedules and jobs that come due wait until it succeeds", "err", db.ExplainReadOnly(err))
		}
		if failed = err != nil; failed {
			wait = lookEvery
		}
		sleep(ctx, wait)
	}
}

// isAnswer reports whether an error, or all that were joined in it, came from a server that was reached and goes on.
func isAnswer(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !isAnswer(err) })
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.SeverityUnlocalized == "ERROR"
}

// allContended reports whether an error, or all that were joined in it, is only that other statements were in the way.
func allContended(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !allContended(err) })
	}
	return pilot.IsContended(err)
}

// look does what is due, and says how long to wait until the next look.
func (m *maintenance) look(ctx context.Context) (time.Duration, error) {
	jobs, schedules, next, err := m.whatIsDue(ctx)
	if err != nil {
		return 0, err
	}
	more := false
	if jobs {
		more, err = m.comeDue(ctx)
	}
	if schedules {
		err = errors.Join(err, m.runSchedules(ctx)) // which may succeed where the other does not
	}
	if more {
		return moreIn, err
	}
	return min(max(next, lookAgainIn), lookEvery), err
}

func (m *maintenance) runSchedules(ctx context.Context) error {
	ctx, cancel := patiently(ctx)
	defer cancel()
	return m.schedules.RunDue(ctx)
}

// patiently is the context of something that is not broken off at a stop: that would cost the connection, which is needed to
// store what ran.
func patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
}

// whatIsDue tells whether jobs that were put off or schedules are due, and when the next are.
func (m *maintenance) whatIsDue(ctx context.Context) (jobs, schedules bool, next time.Duration, err error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	var job, schedule float64 // seconds from now
	err = m.db.QueryRow(ctx, db.Statement(dueSQL, m.schema)).Scan(&job, &schedule)
	next = time.Hour
	for _, s := range []float64{job, schedule} {
		if s <= 0 {
			s = lookEvery.Seconds() // it is seen to now, unless another session has it locked
		}
		next = min(next, time.Duration(s*float64(time.Second)))
	}
	return job <= 0, schedule <= 0, next, err
}
