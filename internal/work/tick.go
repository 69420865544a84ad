package work

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/internal/work/metadata"
	"github.com/backlist/backlist/internal/work/pilot"
)

//go:embed sql/due_schedule.sql
var dueScheduleSQL string

const (
	// tooLate is from when on a tick counts as missed, where those that were missed are skipped.
	tooLate = time.Minute
	// tryAgainIn is how long a schedule that could not tick is left alone; it doubles with each failure, up to tryAgainMost.
	tryAgainIn   = time.Second
	tryAgainMost = time.Minute
	// lookAgain is how long a broken schedule is left alone that has not changed: another release may read it.
	lookAgain = time.Minute
)

// due is a schedule whose row is locked: its time has come, or it has changed.
type due struct {
	Name, Kind, Args, Opts, Spec, Zone, Missed string
	Refused                                    string // the SQLSTATE with which jsonb refuses the args
	Broken, Dirty                              bool
	NextAt, Now                                time.Time
}

// setback is of a schedule that could not tick.
type setback struct {
	wait  time.Duration
	until time.Time // then it is tried again
}

// rawArgs enqueues a job of which only the text of its args is known. Its unique key is that of the real type.
type rawArgs struct{ kind, text string }

func (a rawArgs) Kind() string { return a.kind }

func (a rawArgs) MarshalJSON() ([]byte, error) { return []byte(a.text), nil }

// tickAll sees to all schedules that are due, each in a transaction of its own, so that one which fails holds up no other.
// That one is left alone for a while, and a broken one until it changes.
func (k *housekeeping) tickAll(ctx context.Context) error {
	ctx, cancel := patiently(ctx)
	defer cancel()
	seen, broken := leftAlone(k.failed), leftAlone(k.broken)
	for {
		var d due
		var wrong error
		found := false
		err := pgx.BeginFunc(ctx, k.db, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, dueScheduleSQL, pgx.NamedArgs{"seen": seen, "broken": broken})
			if err != nil {
				return err
			}
			if d, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[due]); err != nil {
				return err
			}
			found = true
			wrong, err = k.tick(ctx, tx, d)
			return err
		})
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil && (!found || ctx.Err() != nil):
			return err
		case isLocked(err):
			k.log.WarnContext(ctx, "a schedule's unfinished job is locked: it ticks a little later", "schedule", d.Name)
		case pilot.IsContended(err): // the next look sees to it
		case isRefusal(err):
			if err := k.refused(ctx, d, err); err != nil {
				return err
			}
		case err != nil:
			wait := min(max(tryAgainIn, 2*k.failed[d.Name].wait), tryAgainMost)
			k.log.ErrorContext(ctx, "a schedule did not tick; it is tried again", "schedule", d.Name, "in", wait, "err", err)
			k.failed[d.Name] = setback{wait, time.Now().Add(wait)}
		case wrong != nil:
			k.broken[d.Name] = setback{lookAgain, time.Now().Add(lookAgain)}
		default:
			delete(k.failed, d.Name)
			delete(k.broken, d.Name)
		}
		seen = append(seen, d.Name)
	}
}

// leftAlone are the names of schedules whose time to be tried again has not come.
func leftAlone(setbacks map[string]setback) []string {
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

// isRefusal reports whether the server refuses the row of the job or of the tick itself, and would do so again: a data exception,
// an integrity constraint, a limit, or an error that a trigger raises.
func isRefusal(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return pilot.IsRefused(err) || ok && strings.HasPrefix(pgErr.Code, "P0")
}

// tick does for a schedule what its row says, and writes down that it did, or that the row is wrong. Whoever has the row's lock is
// the only one, and moves next_at on in the same transaction: that is what makes each tick happen once.
func (k *housekeeping) tick(ctx context.Context, tx pgx.Tx, d due) (wrong, err error) {
	s, i, wrong := d.read()
	if wrong != nil {
		return wrong, k.markBroken(ctx, tx, d, wrong)
	}
	next := d.NextAt
	switch {
	case d.Dirty:
		next = s.next(d.Now)
	case !next.After(d.Now): // else only its job has changed
		var last time.Time
		var before int
		last, before, next = s.ticks(d.NextAt, d.Now)
		if err := k.record(ctx, tx, d, i, last, before); err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec(ctx, "update work.schedule set words = $2, next_at = $3, dirty = false, unchecked = false, broken = null where name = $1",
		d.Name, s.words(), next)
	return nil, err
}

// read is what the row means. Its error is the fault of a row with which no job can be enqueued.
func (d due) read() (s spec, i insertion, err error) {
	if s, err = parseSpec(d.Spec, d.Zone); err != nil {
		return s, i, err
	}
	if d.Refused != "" {
		return s, i, &fault{"args", errors.New(refusedArgs(d.Refused))}
	}
	if i, err = parseInsertion(d.Opts); err != nil {
		return s, i, &fault{"opts", err}
	}
	return s, i, checkJob(d.Kind, d.Args, i)
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

// markBroken shows in the row what is wrong with it. A tick that is due is left to a release that can read it.
func (k *housekeeping) markBroken(ctx context.Context, tx pgx.Tx, d due, wrong error) error {
	if d.Broken {
		return nil
	}
	text := wrong.Error()
	if f, ok := errors.AsType[*fault](wrong); ok {
		text = f.column + ": " + text
	}
	k.log.ErrorContext(ctx, "a schedule is broken and does not tick", "schedule", d.Name, "broken", text)
	words := asWritten(d.Spec, d.Zone)
	if s, err := parseSpec(d.Spec, d.Zone); err == nil {
		words = s.words()
	}
	_, err := tx.Exec(ctx, "update work.schedule set broken = $2, words = $3 where name = $1", d.Name, text, words)
	return err
}

// refused shows in the row why the server refused its job, in another transaction than that which failed.
func (k *housekeeping) refused(ctx context.Context, d due, cause error) error {
	k.broken[d.Name] = setback{lookAgain, time.Now().Add(lookAgain)}
	return pgx.BeginFunc(ctx, k.db, func(tx pgx.Tx) error { return k.markBroken(ctx, tx, d, fmt.Errorf("its job is refused: %w", cause)) })
}

// record enqueues the job of the tick at dueAt, which stands for missed earlier ones too, and writes the tick's row. A tick
// that has its row was seen to: somebody has set next_at back.
func (k *housekeeping) record(ctx context.Context, tx pgx.Tx, d due, i insertion, dueAt time.Time, missed int) error {
	var done bool
	err := tx.QueryRow(ctx, "select exists (select from work.tick where schedule = $1 and due_at = $2)", d.Name, dueAt).Scan(&done)
	if err != nil || done {
		return err
	}
	outcome, job := "skipped", (*int64)(nil)
	if d.Missed != string(MissedSkip) || d.Now.Sub(dueAt) <= tooLate {
		id, twin, err := k.enqueue(ctx, tx, d, i)
		if err != nil {
			return err
		}
		outcome, job = "enqueued", &id
		if twin {
			outcome = "duplicate"
		}
	}
	_, err = tx.Exec(ctx, "insert into work.tick (schedule, due_at, outcome, job_id, missed, by) values ($1, $2, $3, $4, $5, $6)",
		d.Name, dueAt, outcome, job, min(missed, 1<<31-1), k.by)
	return err
}

func (k *housekeeping) enqueue(ctx context.Context, tx pgx.Tx, d due, i insertion) (id int64, twin bool, err error) {
	opts := i.opts()
	if opts.Metadata, err = json.Marshal(map[string]string{metadata.Schedule: d.Name}); err != nil {
		return 0, false, err
	}
	res, err := k.jobs.InsertTx(ctx, tx, rawArgs{d.Kind, d.Args}, opts)
	if err != nil {
		return 0, false, fmt.Errorf("enqueue its job: %w", err)
	}
	return res.Job.ID, res.UniqueSkippedAsDuplicate, nil
}
