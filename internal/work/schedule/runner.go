package schedule

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/insert"
	"github.com/backlist/backlist/internal/work/metadata"
	"github.com/backlist/backlist/internal/work/pilot"
)

//go:embed sql/due_schedule.sql
var dueScheduleSQL string

const (
	// tooLate is the delay after which a run counts as missed, if the schedule skips missed runs.
	tooLate = time.Minute
	// retryFirst is how long a schedule waits after a failure to run it; the wait doubles with each failure, up to retryLast.
	retryFirst = time.Second
	retryLast  = time.Minute
	// recheck is how long a process leaves an unchanged broken schedule alone: another release may read it.
	recheck = time.Minute
)

// due is a schedule whose row is locked: its time has come, or it has changed.
type due struct {
	Name, Kind, Args, Opts, Spec, Zone, Missed string
	Refused                                    string // the SQLSTATE with which jsonb refuses the args
	Broken, Dirty                              bool
	NextAt, Now                                time.Time
}

// setback is how long a schedule waits that could not run.
type setback struct {
	wait  time.Duration
	until time.Time // when it is retried
}

// Runner enqueues the jobs of schedules that are due. Every process has one, so that schedules run as long as any process runs.
type Runner struct {
	pool   *pgxpool.Pool
	jobs   *river.Client[pgx.Tx]
	by     string             // the name of this process, for work.tick
	failed map[string]setback // schedules that could not run
	broken map[string]setback // schedules whose rows are wrong
	log    *slog.Logger
}

// NewRunner returns a Runner for the process by. jobs must accept any kind, including those of other releases.
func NewRunner(pool *pgxpool.Pool, jobs *river.Client[pgx.Tx], by string, log *slog.Logger) *Runner {
	return &Runner{pool: pool, jobs: jobs, by: by, failed: map[string]setback{}, broken: map[string]setback{}, log: log}
}

// rawArgs enqueues a job from the text of its args, without their type. The job gets the same unique key as with the type.
type rawArgs struct{ kind, text string }

func (a rawArgs) Kind() string { return a.kind }

func (a rawArgs) MarshalJSON() ([]byte, error) { return []byte(a.text), nil }

// RunDue runs all schedules that are due, each in its own transaction, so that one that fails does not delay the others. A
// schedule that failed is retried after a while, a broken one when its row changes.
func (r *Runner) RunDue(ctx context.Context) error {
	seen, broken := waiting(r.failed), waiting(r.broken)
	for {
		var d due
		var wrong error
		found := false
		err := pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, dueScheduleSQL, pgx.NamedArgs{"seen": seen, "broken": broken})
			if err != nil {
				return err
			}
			if d, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[due]); err != nil {
				return err
			}
			found = true
			wrong, err = r.run(ctx, tx, d)
			return err
		})
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil && (!found || ctx.Err() != nil):
			return err
		case isLocked(err):
			r.log.WarnContext(ctx, "a schedule's unfinished job is locked: it runs a little later", "schedule", d.Name)
		case pilot.IsContended(err): // the next look runs it
		case isRefusal(err):
			if err := r.refused(ctx, d, err); err != nil {
				return err
			}
		case err != nil:
			wait := min(max(retryFirst, 2*r.failed[d.Name].wait), retryLast)
			r.log.ErrorContext(ctx, "a schedule did not run; will retry", "schedule", d.Name, "in", wait, "err", err)
			r.failed[d.Name] = setback{wait, time.Now().Add(wait)}
		case wrong != nil:
			r.broken[d.Name] = setback{recheck, time.Now().Add(recheck)}
		default:
			delete(r.failed, d.Name)
			delete(r.broken, d.Name)
		}
		seen = append(seen, d.Name)
	}
}

// waiting lists the schedules whose wait is not over.
func waiting(setbacks map[string]setback) []string {
	names := []string{}
	for name, s := range setbacks {
		if time.Now().Before(s.until) {
			names = append(names, name)
		}
	}
	return names
}

func isLocked(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "55P03" // lock_timeout
}

// isRefusal reports whether the server refuses the row of the job or of the run, and would refuse it again: because of a data
// exception, an integrity constraint, a limit, or an error that a trigger raises.
func isRefusal(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return pilot.IsRefused(err) || ok && strings.HasPrefix(pgErr.Code, "P0")
}

// run handles a schedule that is due or has changed. If its row is wrong it marks the schedule as broken. Only one process has
// the row's lock, and it advances next_at in the same transaction, so each run happens once.
func (r *Runner) run(ctx context.Context, tx pgx.Tx, d due) (wrong, err error) {
	s, o, wrong := d.read()
	if wrong != nil {
		return wrong, r.markBroken(ctx, tx, d, wrong)
	}
	next := d.NextAt
	switch {
	case d.Dirty:
		next = s.next(d.Now)
	case !next.After(d.Now): // otherwise only the job in the row has changed
		var last time.Time
		var before int
		last, before, next = s.runs(d.NextAt, d.Now)
		if err := r.record(ctx, tx, d, o, last, before); err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec(ctx, "update work.schedule set words = $2, next_at = $3, dirty = false, unchecked = false, broken = null where name = $1",
		d.Name, s.words(), next)
	return nil, err
}

// read parses the row. Its error is a fault, with which no job can be enqueued.
func (d due) read() (s spec, o insert.Options, err error) {
	if s, err = parseSpec(d.Spec, d.Zone); err != nil {
		return s, o, err
	}
	if d.Refused != "" {
		return s, o, &fault{"args", errors.New(refusedArgs(d.Refused))}
	}
	if o, err = insert.Parse(d.Opts); err != nil {
		return s, o, &fault{"opts", err}
	}
	return s, o, checkJob(d.Kind, d.Args, o)
}

// refusedArgs returns why Postgres cannot store the args as jsonb.
func refusedArgs(sqlState string) string {
	switch sqlState {
	case "22P05":
		return `the arguments contain the character NUL (\u0000), which Postgres cannot store: leave it out`
	case "22P02":
		return `the arguments contain half of a surrogate pair (\ud800 to \udfff), which Postgres cannot store: write the whole character`
	case "22003":
		return "the arguments contain a number that is too large or too precise for Postgres: write it as a string"
	}
	return "Postgres cannot store the arguments as jsonb (SQLSTATE " + sqlState + ")"
}

// markBroken writes into the row what is wrong with it. It leaves next_at alone, so that a run that is due is not lost: it
// happens once the row is corrected, or by a release that can read it.
func (r *Runner) markBroken(ctx context.Context, tx pgx.Tx, d due, wrong error) error {
	if d.Broken {
		return nil
	}
	text := wrong.Error()
	if f, ok := errors.AsType[*fault](wrong); ok {
		text = f.column + ": " + text
	}
	r.log.ErrorContext(ctx, "a schedule is broken and does not run", "schedule", d.Name, "broken", text)
	words := asWritten(d.Spec, d.Zone)
	if s, err := parseSpec(d.Spec, d.Zone); err == nil {
		words = s.words()
	}
	_, err := tx.Exec(ctx, "update work.schedule set broken = $2, words = $3 where name = $1", d.Name, text, words)
	return err
}

// refused writes into the row why the server refused its job, in a new transaction because the other one failed.
func (r *Runner) refused(ctx context.Context, d due, cause error) error {
	r.broken[d.Name] = setback{recheck, time.Now().Add(recheck)}
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error { return r.markBroken(ctx, tx, d, fmt.Errorf("its job is refused: %w", cause)) })
}

// record enqueues the job of the run at dueAt, which also stands for the missed runs before it, and writes the row of the run.
// If that row exists the run was done before, and next_at was set back since: then it does nothing.
func (r *Runner) record(ctx context.Context, tx pgx.Tx, d due, o insert.Options, dueAt time.Time, missed int) error {
	var done bool
	err := tx.QueryRow(ctx, "select exists (select from work.tick where schedule = $1 and due_at = $2)", d.Name, dueAt).Scan(&done)
	if err != nil || done {
		return err
	}
	outcome, job := "skipped", (*int64)(nil)
	if d.Missed != string(MissedSkip) || d.Now.Sub(dueAt) <= tooLate {
		id, duplicate, err := r.enqueue(ctx, tx, d, o)
		if err != nil {
			return err
		}
		outcome, job = "enqueued", &id
		if duplicate {
			outcome = "duplicate"
		}
	}
	_, err = tx.Exec(ctx, "insert into work.tick (schedule, due_at, outcome, job_id, missed, by) values ($1, $2, $3, $4, $5, $6)",
		d.Name, dueAt, outcome, job, min(missed, 1<<31-1), r.by)
	return err
}

func (r *Runner) enqueue(ctx context.Context, tx pgx.Tx, d due, o insert.Options) (id int64, duplicate bool, err error) {
	opts := o.River()
	if opts.Metadata, err = json.Marshal(map[string]string{metadata.Schedule: d.Name}); err != nil {
		return 0, false, err
	}
	res, err := r.jobs.InsertTx(ctx, tx, rawArgs{d.Kind, d.Args}, opts)
	if err != nil {
		return 0, false, fmt.Errorf("enqueue its job: %w", err)
	}
	return res.Job.ID, res.UniqueSkippedAsDuplicate, nil
}
