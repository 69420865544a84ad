// Package schedule enqueues jobs repeatedly: it parses specs, writes the schedules that the program declares to work.schedule,
// and runs those that are due.
package schedule

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work/insert"
)

//go:embed sql/declare_schedule.sql
var declareScheduleSQL string

// Schedule declares a job that is enqueued repeatedly. Declare writes its row.
type Schedule struct {
	Name   string
	Args   river.JobArgs
	Opts   *river.InsertOpts // in addition to those of Args
	Spec   string            // five fields of cron, or "every 10m", "every 1d", "every 2w"
	Zone   string            // the time zone of cron's fields; "" is UTC
	Missed Missed
}

// Missed is how a schedule treats runs that were missed because no process was running.
type Missed string

const (
	// MissedOnce enqueues one job for all of them.
	MissedOnce Missed = "once"
	// MissedSkip skips them.
	MissedSkip Missed = "skip"
)

// insertion returns the options that the schedule's row stores.
func (s Schedule) insertion() (o insert.Options, err error) {
	var own, opts river.InsertOpts
	if with, ok := s.Args.(river.JobArgsWithInsertOpts); ok {
		own = with.InsertOpts()
	}
	if s.Opts != nil {
		opts = *s.Opts
	}
	if o, err = insert.Merge(s.Args, own, opts); err != nil {
		return o, err
	}
	switch {
	case opts.Pending || own.Pending || !opts.ScheduledAt.IsZero() || !own.ScheduledAt.IsZero() || len(opts.Metadata) > 0 || len(own.Metadata) > 0:
		return o, errors.New("a schedule's jobs are due at once, and have no metadata of their own")
	case o.Unique != nil && len(o.Unique.Keys) > 0: // the row has the args' text, but not their type
		return o, errors.New("the jobs are unique by some fields of their args only, which no schedule can express")
	}
	return o, nil
}

// declaration is a schedule as its row stores it. The row also has its JSON, by which Declare sees whether the program has
// changed it.
type declaration struct {
	Name   string          `json:"-"`
	Kind   string          `json:"kind"`
	Args   json.RawMessage `json:"args"`
	Opts   insert.Options  `json:"opts"`
	Spec   string          `json:"spec"`
	Zone   string          `json:"zone"`
	Missed Missed          `json:"missed"`
	parsed spec
}

func (s Schedule) declaration() (d declaration, err error) {
	d = declaration{Name: s.Name, Kind: s.Args.Kind(), Spec: s.Spec, Zone: s.Zone, Missed: s.Missed}
	if d.Zone == "" {
		d.Zone = "UTC"
	}
	if d.Missed != MissedOnce && d.Missed != MissedSkip {
		return d, fmt.Errorf("missed must be %q or %q, not %q", MissedOnce, MissedSkip, d.Missed)
	}
	if d.Args, err = json.Marshal(s.Args); err != nil {
		return d, fmt.Errorf("its args: %w", err)
	}
	if d.Opts, err = s.insertion(); err != nil {
		return d, err
	}
	if d.parsed, err = parseSpec(d.Spec, d.Zone); err != nil {
		return d, err
	}
	return d, checkJob(d.Kind, string(d.Args), d.Opts)
}

// DB begins the transaction in which schedules are declared: a pool in production, a transaction in tests.
type DB interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// declaring is the advisory lock of Declare: "schedule" in ASCII.
const declaring = 0x7363686564756c65

// Declare writes the schedules to work.schedule. An operator's changes stay until the program changes the schedule's
// declaration; a pause stays in any case. Schedules that are no longer declared are retired, except those made by SQL.
//
// Call it only next to the migrations: a process of an older release that restarts must not undo it.
func Declare(ctx context.Context, db DB, schedules []Schedule) error {
	return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(declaring)); err != nil { // concurrent calls take turns
			return err
		}
		var now time.Time
		if err := tx.QueryRow(ctx, "select clock_timestamp()").Scan(&now); err != nil {
			return err
		}
		names := []string{}
		for _, s := range schedules {
			if err := s.declare(ctx, tx, now); err != nil {
				return fmt.Errorf("schedule %s: %w", s.Name, err)
			}
			names = append(names, s.Name)
		}
		_, err := tx.Exec(ctx, `update work.schedule set retired_at = now(), updated_at = now()
			where declared <> '' and retired_at is null and name <> all ($1)`, names)
		return err
	})
}

func (s Schedule) declare(ctx context.Context, tx pgx.Tx, now time.Time) error {
	d, err := s.declaration()
	if err != nil {
		return err
	}
	declared, err := json.Marshal(d)
	if err != nil {
		return err
	}
	opts, err := json.Marshal(d.Opts)
	if err != nil {
		return err
	}
	// The update marks the row as dirty if its spec changes (see work.schedule_changed), for the next process that looks.
	next := d.parsed.next(now)
	_, err = tx.Exec(ctx, declareScheduleSQL, pgx.NamedArgs{
		"name": d.Name, "kind": d.Kind, "args": string(d.Args), "opts": string(opts), "spec": d.Spec, "zone": d.Zone,
		"words": d.parsed.words(), "missed": string(d.Missed), "next_at": next, "declared": string(declared),
	})
	if err != nil {
		return err
	}
	// Unless the spec is an operator's, words and next_at are known here already, so the row is not dirty. A run that comes due
	// before a process looks would otherwise be lost.
	_, err = tx.Exec(ctx, "update work.schedule set words = $2, dirty = false where name = $1 and dirty and spec = $3 and zone = $4 and next_at = $5",
		d.Name, d.parsed.words(), d.Spec, d.Zone, next)
	return err
}
