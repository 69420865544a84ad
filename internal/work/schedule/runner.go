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
	// tooLate is how late a run counts as missed, where missed runs are skipped.
	tooLate = time.Minute
	// retryFirst is how long a schedule waits after it could not run; the wait doubles with each failure, up to retryLast.
	retryFirst = time.Second
	retryLast  = time.Minute
	// recheck is how long a broken schedule waits that has not changed: another release may read it.
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
	until time.Time // then it is tried again
}

// Runner enqueues the jobs of schedules that are due. Every process has one, so that schedules run as long as there is any
// process.
type Runner struct {
	pool   *pgxpool.Pool
	jobs   *river.Client[pgx.Tx]
	by     string             // this process, as work.tick names it
	failed map[string]setback // schedules that could not run
	broken map[string]setback // schedules whose rows are wrong
	log    *slog.Logger
}

// NewRunner returns a Runner for the process by. jobs must take jobs of any kind, of other releases too.
func NewRunner(pool *pgxpool.Pool, jobs *river.Client[pgx.Tx], by string, log *slog.Logger) *Runner {
	return &Runner{pool: pool, jobs: jobs, by: by, failed: map[string]setback{}, broken: map[string]setback{}, log: log}
}

// rawArgs enqueues a job of which only the text of its args is known. Its unique key is that of the real type.
type rawArgs struct{ kind, text string }

func (a rawArgs) Kind() string { return a.kind }

func (a rawArgs) MarshalJSON() ([]byte, error) { return []byte(a.text), nil }

// RunDue runs all schedules that are due, each in a transaction of its own, so that one which fails delays no other. That one
// waits for a while, and a broken one until it changes.
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

// waiting lists the schedules that are not to be tried again yet.
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

// isRefusal reports whether the server refuses the row of the job or of the run itself, and would do so again: a data exception,
// an integrity constraint, a limit, or an error that a trigger raises.
func isRefusal(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return pilot.IsRefused(err) || ok && strings.HasPrefix(pgErr.Code, "P0")
}

// run does for a schedule what its row says, and records that it did, or that the row is wrong. The process that has the row's
// lock is the only one, and moves next_at on in the same transaction: so each run happens once.
func (r *Runner) run(ctx context.Context, tx pgx.Tx, d due) (wrong, err error) {
	s, o, wrong := d.read()
	if wrong != nil {
		return wrong, r.markBroken(ctx, tx, d, wrong)
	}
	next := d.NextAt
	switch {
	case d.Dirty:
		next = s.next(d.Now)
	case !next.After(d.Now): // else only its job has changed
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

// read reads the row. Its error is the fault of a row with which no job can be enqueued.
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

// refusedArgs says why Postgres does not store the args as jsonb.
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

// markBroken shows in the row what is wrong with it. A run that is due is left to a release that can read it.
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

// refused shows in the row why the server refused its job, in another transaction than that which failed.
func (r *Runner) refused(ctx context.Context, d due, cause error) error {
	r.broken[d.Name] = setback{recheck, time.Now().Add(recheck)}
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error { return r.markBroken(ctx, tx, d, fmt.Errorf("its job is refused: %w", cause)) })
}

// record enqueues the job of the run at dueAt, which stands for missed earlier ones too, and writes the row of the run. A run
// that has its row is done: next_at was set back.
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
