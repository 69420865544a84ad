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
	// toldEvery is the longest wait where heartbeats tell what is due, which they do every second.
	toldEvery = 1500 * time.Millisecond
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
	told      chan due // by heartbeats; nil in processes without
	log       *slog.Logger
}

// due is what waits for maintenance: whether jobs, schedules, a bulk act and a look for findings do, and how long until the next jobs
// or schedules.
type due struct {
	jobs, schedules, bulk, findings bool
	next                            time.Duration
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
	var told *due
	for ctx.Err() == nil {
		wait, err := m.look(ctx, told)
		if also != nil && (err == nil || isAnswer(err)) {
			err = errors.Join(err, also(ctx, cutOff))
		}
		cutOff = err != nil && !isAnswer(err)
		if allContended(err) {
			sleep(ctx, lookAgainIn)
			told = nil
			continue
		}
		if err != nil && ctx.Err() == nil && !failed {
			m.log.WarnContext(ctx, "maintenance failed: schedules and jobs that come due wait until it succeeds", "err", db.ExplainReadOnly(err))
		}
		if failed = err != nil; failed {
			wait = lookEvery
		}
		told = m.listen(ctx, wait)
	}
}

// listen waits until the next look is due, or until a heartbeat tells what is.
func (m *maintenance) listen(ctx context.Context, wait time.Duration) *due {
	if m.told != nil && wait == lookEvery {
		wait = toldEvery
	}
	select {
	case told := <-m.told:
		return &told
	case <-time.After(wait):
	case <-ctx.Done():
	}
	return nil
}

// tell hands over what a heartbeat saw, in place of what an earlier one saw.
func (m *maintenance) tell(d due) {
	select {
	case <-m.told:
	default:
	}
	m.told <- d
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

// look does what is due, as told or else by asking, and returns how long to wait until the next look.
func (m *maintenance) look(ctx context.Context, told *due) (time.Duration, error) {
	if told == nil {
		asked, err := m.whatIsDue(ctx)
		if err != nil {
			return 0, err
		}
		told = &asked
	}
	if told.bulk && m.bulkDue != nil {
		m.bulkDue()
	}
	var more bool
	var err error
	if told.jobs {
		more, err = m.comeDue(ctx)
	}
	if told.schedules {
		err = errors.Join(err, m.runSchedules(ctx)) // even if comeDue failed
	}
	if told.findings && m.findings != nil {
		err = errors.Join(err, m.find(ctx))
	}
	if more {
		return moreIn, err
	}
	return min(max(told.next, lookAgainIn), lookEvery), err
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

// whatIsDue asks what is due.
func (m *maintenance) whatIsDue(ctx context.Context) (due, error) {
	ctx, cancel := uninterrupted(ctx)
	defer cancel()
	var job, schedule float64
	var d due
	err := m.db.QueryRow(ctx, db.Statement(dueSQL, m.schema)).Scan(&job, &schedule, &d.bulk, &d.findings)
	return d.in(job, schedule), err
}

// in returns d with what is due if that many seconds remain until the next job and the next schedule.
func (d due) in(job, schedule float64) due {
	d.jobs, d.schedules, d.next = job <= 0, schedule <= 0, time.Hour
	for _, s := range []float64{job, schedule} {
		if s <= 0 {
			s = lookEvery.Seconds() // it is handled now, unless another session has it locked
		}
		d.next = min(d.next, time.Duration(s*float64(time.Second)))
	}
	return d
}
