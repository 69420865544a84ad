package work

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/internal/work/pilot"
)

const (
	// tooLate is from when on a tick counts as missed, where those that were missed are skipped.
	tooLate = time.Minute
	// tryAgainIn is how long a schedule that could not tick is left alone; it doubles with each failure, up to tryAgainMost.
	tryAgainIn   = time.Second
	tryAgainMost = time.Minute
	// unreadable begins the words of a schedule that cannot be read.
	unreadable = "cannot be read: "
)

// due is a schedule whose row is locked: its time has come, or somebody has changed it.
type due struct {
	Name, Kind, Args, Opts, Spec, Zone, Words, Missed string
	NextAt, Now                                       time.Time
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
// That one is left alone for a while.
func (k *housekeeping) tickAll(ctx context.Context) error {
	ctx, cancel := patiently(ctx)
	defer cancel()
	seen := []string{}
	for name, f := range k.failed {
		if time.Now().Before(f.until) {
			seen = append(seen, name)
		}
	}
	for {
		var d due
		err := pgx.BeginFunc(ctx, k.db, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, dueScheduleSQL, seen)
			if err != nil {
				return err
			}
			if d, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[due]); err != nil {
				return err
			}
			return k.tick(ctx, tx, d)
		})
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil && (d.Name == "" || ctx.Err() != nil):
			return err
		case isConflict(err): // the next look sees to it
		case isLocked(err):
			k.log.WarnContext(ctx, "a schedule's unfinished job is locked: it ticks a little later", "schedule", d.Name)
		case err != nil:
			wait := min(max(tryAgainIn, 2*k.failed[d.Name].wait), tryAgainMost)
			k.log.ErrorContext(ctx, "a schedule did not tick; it is tried again", "schedule", d.Name, "in", wait, "err", err)
			k.failed[d.Name] = setback{wait, time.Now().Add(wait)}
		default:
			delete(k.failed, d.Name)
		}
		seen = append(seen, d.Name)
	}
}

func isLocked(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "55P03" // lock_timeout
}

// dueScheduleSQL locks one schedule that wants to be seen to, but those in $1. Who comes second takes another. The lock order is
// the schedule's row, then the job's. Since a unique twin may be locked by its worker for a while, it is not waited for long.
const dueScheduleSQL = `
with s as (
    select name, kind, args::text, opts::text, spec, zone, words, missed, next_at from work.schedule
    where (next_at <= now() or words = '') and paused_at is null and retired_at is null and name <> all ($1)
    order by next_at limit 1
    for update skip locked
), limits as (
    select set_config('lock_timeout', '200ms', true), ` + pilot.EndIfSilent + `
)
select s.*, clock_timestamp() from s, limits`

// tick does for a schedule what its row says, and writes down that it did. Whoever has the row's lock is the only one, and
// moves next_at on in the same transaction: that is what makes each tick happen once.
func (k *housekeeping) tick(ctx context.Context, tx pgx.Tx, d due) error {
	s, err := parseSpec(d.Spec, d.Zone)
	if err != nil {
		return k.cannotRead(ctx, tx, d, err)
	}
	if d.Words == "" { // somebody has made or changed it
		return reschedule(ctx, tx, d.Name, s.words(), s.next(d.Now))
	}
	if strings.HasPrefix(d.Words, unreadable) { // by another release
		d.Words = s.words()
	}
	last, before, next := s.ticks(d.NextAt, d.Now)
	if err := k.record(ctx, tx, d, last, before); err != nil {
		return err
	}
	return reschedule(ctx, tx, d.Name, d.Words, next)
}

// cannotRead shows in the row what is wrong with it, and leaves the tick to a release that can read it.
func (k *housekeeping) cannotRead(ctx context.Context, tx pgx.Tx, d due, cause error) error {
	if strings.HasPrefix(d.Words, unreadable) {
		return nil
	}
	k.log.ErrorContext(ctx, "a schedule cannot be read and does not tick", "schedule", d.Name, "spec", d.Spec, "zone", d.Zone, "err", cause)
	return reschedule(ctx, tx, d.Name, unreadable+cause.Error(), d.NextAt)
}

func reschedule(ctx context.Context, tx pgx.Tx, name, words string, next time.Time) error {
	_, err := tx.Exec(ctx, "update work.schedule set words = $2, next_at = $3 where name = $1", name, words, next)
	return err
}

// record enqueues the job of the tick at dueAt, which stands for missed earlier ones too, and writes the tick's row. A tick
// that has its row was seen to: somebody has set next_at back.
func (k *housekeeping) record(ctx context.Context, tx pgx.Tx, d due, dueAt time.Time, missed int) error {
	var done bool
	err := tx.QueryRow(ctx, "select exists (select from work.tick where schedule = $1 and due_at = $2)", d.Name, dueAt).Scan(&done)
	if err != nil || done {
		return err
	}
	outcome, job := "skipped", (*int64)(nil)
	if d.Missed != string(MissedSkip) || d.Now.Sub(dueAt) <= tooLate {
		id, twin, err := k.enqueue(ctx, tx, d)
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

func (k *housekeeping) enqueue(ctx context.Context, tx pgx.Tx, d due) (id int64, twin bool, err error) {
	var i insertion
	if err := json.Unmarshal([]byte(d.Opts), &i); err != nil {
		return 0, false, fmt.Errorf("read its options: %w", err)
	}
	opts := i.opts()
	if opts.Metadata, err = json.Marshal(map[string]string{KeySchedule: d.Name}); err != nil {
		return 0, false, err
	}
	res, err := k.jobs.InsertTx(ctx, tx, rawArgs{d.Kind, d.Args}, opts)
	if err != nil {
		return 0, false, fmt.Errorf("enqueue its job: %w", err)
	}
	return res.Job.ID, res.UniqueSkippedAsDuplicate, nil
}
