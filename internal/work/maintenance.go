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
	// lookEvery is the longest wait between two looks at what is due.
	lookEvery = time.Second
	// lookAgainIn is the shortest: another process may be busy with what is due.
	lookAgainIn = 50 * time.Millisecond
	// moreIn is the wait after a full batch: in between, the pool's other users get a connection.
	moreIn = 10 * time.Millisecond
	// lookTimeout bounds each step of a look: a connection may be cut without a word.
	lookTimeout = 5 * time.Second
)

// maintenance is done by every process, leader or not, so that it goes on as long as any process runs: it runs schedules,
// makes jobs available whose time has come, finds what needs attention, and says when a bulk act waits.
type maintenance struct {
	db        *pgxpool.Pool
	schema    string // River's
	schedules *schedule.Runner
	bulkDue   func()
	findings  func(context.Context, *pgxpool.Pool) error
	log       *slog.Logger
}

func newMaintenance(pool *pgxpool.Pool, by string, o Options) (*maintenance, error) {
	o.Workers = nil // schedules may enqueue kinds of other releases
	jobs, err := NewInserter(pool, o)
	if err != nil {
		return nil, err
	}
	return &maintenance{
		db: pool, schema: o.Schema, schedules: schedule.NewRunner(pool, jobs, by, o.Log), bulkDue: o.BulkDue, findings: o.Findings,
		log: o.Log,
	}, nil
}

// run does maintenance until ctx ends, and retries what fails. It calls also, unless that is nil, at each look that reached the
// database; wasCutOff reports whether the look before did not.
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

// isAnswer reports whether an error, or each of the errors joined in it, is the answer of a server that keeps the connection.
func isAnswer(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !isAnswer(err) })
	}
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.SeverityUnlocalized == "ERROR"
}

// allContended reports whether an error, or each of the errors joined in it, is contended: see pilot.IsContended.
func allContended(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !allContended(err) })
	}
	return pilot.IsContended(err)
}

// look does what is due, and returns how long to wait until the next look.
func (m *maintenance) look(ctx context.Context) (time.Duration, error) {
	due, err := m.whatIsDue(ctx)
	if err != nil {
		return 0, err
	}
	if due.bulk && m.bulkDue != nil {
		m.bulkDue()
	}
	more := false
	if due.jobs {
		more, err = m.comeDue(ctx)
	}
	if due.schedules {
		err = errors.Join(err, m.runSchedules(ctx)) // even if comeDue failed
	}
	if due.findings && m.findings != nil {
		err = errors.Join(err, m.find(ctx))
	}
	if more {
		return moreIn, err
	}
	return min(max(due.next, lookAgainIn), lookEvery), err
}

func (m *maintenance) runSchedules(ctx context.Context) error {
	ctx, cancel := uninterrupted(ctx)
	defer cancel()
	return m.schedules.RunDue(ctx)
}

// uninterrupted returns a context that a stop does not cancel: a cancelled statement would close its connection, which is
// needed to store outcomes.
func uninterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
}

// find has what needs attention stored.
func (m *maintenance) find(ctx context.Context) error {
	ctx, cancel := uninterrupted(ctx)
	defer cancel()
	return m.findings(ctx, m.db)
}

// due is what maintenance has to do.
type due struct {
	jobs, schedules, bulk, findings bool
	next                            time.Duration // until the next jobs and schedules are due
}

func (m *maintenance) whatIsDue(ctx context.Context) (d due, err error) {
	ctx, cancel := uninterrupted(ctx)
	defer cancel()
	var job, schedule float64 // seconds from now
	err = m.db.QueryRow(ctx, db.Statement(dueSQL, m.schema)).Scan(&job, &schedule, &d.bulk, &d.findings)
	d.jobs, d.schedules, d.next = job <= 0, schedule <= 0, time.Hour
	for _, s := range []float64{job, schedule} {
		if s <= 0 {
			s = lookEvery.Seconds() // it is handled now, unless another session has it locked
		}
		d.next = min(d.next, time.Duration(s*float64(time.Second)))
	}
	return d, err
}
