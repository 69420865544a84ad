package work_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/schedule"
)

// digestArgs is a job with every option.
type digestArgs struct {
	Zeta  string         `json:"zeta"`
	Alpha float64        `json:"alpha"`
	More  map[string]any `json:"more,omitempty"`
}

func (digestArgs) Kind() string { return "test_digest" }

func (digestArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue: "slow", Priority: 3, MaxAttempts: 4, Tags: []string{"weekly"},
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByQueue: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateScheduled,
		}},
	}
}

// taggedArgs is unique by one of its fields.
type taggedArgs struct {
	ID   int    `json:"id" river:"unique"`
	Note string `json:"note"`
}

func (taggedArgs) Kind() string { return "test_tagged" }

// maintaining starts a maintainer, as a web process has one, and returns how to stop it.
func maintaining(t *testing.T, pool *pgxpool.Pool, o work.Options) (stop func()) {
	t.Helper()
	k, err := work.NewMaintainer(pool, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

func declare(t *testing.T, pool *pgxpool.Pool, schedules ...work.Schedule) {
	t.Helper()
	if err := schedule.Declare(t.Context(), pool, schedules); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, pool *pgxpool.Pool, what, sql string, args ...any) {
	t.Helper()
	var ok bool
	if err := pool.QueryRow(t.Context(), "select coalesce(("+sql+"), false)", args...).Scan(&ok); err != nil {
		t.Fatal(err)
	}
	if !ok {
		t.Errorf("not true: %s", what)
	}
}

func daily(name string) work.Schedule {
	return work.Schedule{Name: name, Args: stepArgs{N: 1}, Spec: "0 4 * * *", Zone: "Europe/Berlin", Missed: work.MissedOnce}
}

// TestDeclare: a changed declaration takes effect; until then an operator's changes stay.
func TestDeclare(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	declare(t, pool, daily("a"), daily("b"))
	holds(t, pool, "the row is complete", `select kind = 'test_step' and args::text = '{"n":1}' and opts = '{}' and zone = 'Europe/Berlin'
		and words = 'every day at 04:00 (Europe/Berlin)' and next_at > now() and (next_at at time zone zone)::time = '04:00'
		and retired_at is null from work.schedule where name = 'a'`)

	execute(t, pool, "update work.schedule set spec = 'every 3h', paused_at = now() where name = 'a'")
	execute(t, pool, "insert into work.schedule (name, kind, spec, missed) values ('by hand', 'test_step', 'every 1h', 'once')")
	declare(t, pool, daily("a"), daily("b"))
	holds(t, pool, "what was declared before changes nothing", "select spec = 'every 3h' and paused_at is not null from work.schedule where name = 'a'")

	changed := daily("a")
	changed.Spec = "0 5 * * *"
	declare(t, pool, changed)
	holds(t, pool, "the program's change wins, but a pause stays", `select spec = '0 5 * * *' and words like 'every day at 05:00%'
		and (next_at at time zone zone)::time = '05:00' and paused_at is not null from work.schedule where name = 'a'`)
	holds(t, pool, "a schedule that is no longer declared is retired", "select retired_at is not null from work.schedule where name = 'b'")
	holds(t, pool, "what was made by hand is not", "select retired_at is null from work.schedule where name = 'by hand'")

	execute(t, pool, "update work.schedule set next_at = now() - interval '3 days' where name = 'b'")
	declare(t, pool, changed, daily("b"))
	holds(t, pool, "it is back, and catches up with nothing", "select retired_at is null and next_at > now() from work.schedule where name = 'b'")

	for want, s := range map[string]work.Schedule{
		"schedule c: the fields of cron: the minute \"99\" must be 0 to 59": {Name: "c", Args: stepArgs{}, Spec: "99 * * * *", Missed: work.MissedOnce},
		"schedule d: the time zone":                                         {Name: "d", Args: stepArgs{}, Spec: "0 4 * * *", Zone: "Mars/Olympus", Missed: work.MissedOnce},
		"schedule e: missed must be":                                        {Name: "e", Args: stepArgs{}, Spec: "every 1h"},
		"schedule f: the jobs are unique":                                   {Name: "f", Args: taggedArgs{}, Opts: &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}, Spec: "every 1h", Missed: work.MissedOnce},
		"schedule g: a schedule's jobs are":                                 {Name: "g", Args: stepArgs{}, Opts: &river.InsertOpts{Pending: true}, Spec: "every 1h", Missed: work.MissedOnce},
	} {
		if err := schedule.Declare(t.Context(), pool, []work.Schedule{s}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s …", err, want)
		}
	}
	holds(t, pool, "a refused declaration retires nothing", "select retired_at is null from work.schedule where name = 'b'")
}

// TestScheduledJobIsTheClients: a schedule enqueues the same job as the Go client, with the same unique key, although the
// process that does so does not know the kind or its type.
func TestScheduledJobIsTheClients(t *testing.T) {
	t.Parallel()
	workers := work.NewWorkers()
	work.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[digestArgs]) error { return nil }))
	work.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[taggedArgs]) error { return nil }))
	odd := digestArgs{Zeta: "<é & \"quotes\"> \u2028", Alpha: 1e21, More: map[string]any{"b": 1.50, "a": []int{1}}}
	for i, s := range []work.Schedule{
		{Args: odd},
		{Args: digestArgs{}, Opts: &river.InsertOpts{Queue: "fast", Priority: 1, MaxAttempts: 9, Tags: []string{"other"}}},
		{Args: odd, Opts: &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: 24 * time.Hour, ExcludeKind: true}}},
		{Args: taggedArgs{ID: 1}},
		{Args: taggedArgs{ID: 1}, Opts: &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByQueue: true}}},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			s.Name, s.Spec, s.Missed = "it", "every 24h", work.MissedOnce
			declare(t, pool, s)
			execute(t, pool, "update work.schedule set next_at = now()")
			stop := maintaining(t, pool, options(t, nil)) // which knows test_step only
			until(t, pool, "it has run", "select outcome = 'enqueued' from work.tick")
			stop()
			o := options(t, nil)
			o.Workers = workers
			client, err := work.NewInserter(pool, o)
			if err != nil {
				t.Fatal(err)
			}
			execute(t, pool, "create table ticked as select * from river.river_job")
			execute(t, pool, "delete from river.river_job")
			res, err := client.Insert(t.Context(), s.Args, s.Opts)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, pool, "both are the same", `select (t.kind, t.args, t.queue, t.priority, t.max_attempts, t.tags, t.state)
				= (j.kind, j.args, j.queue, j.priority, j.max_attempts, j.tags, j.state)
				and (t.unique_key, t.unique_states) is not distinct from (j.unique_key, j.unique_states)
				and t.metadata = j.metadata || '{"schedule": "it"}' from ticked t, river.river_job j where j.id = $1`, res.Job.ID)
		})
	}
}

// TestMissedRuns: runs that were missed while no process was running become one run, or none.
func TestMissedRuns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		missed schedule.Missed
		spec   string
		before string // how long ago next_at was
		want   string // of the run's row
	}{
		"once":           {work.MissedOnce, "MINUTE * * * *", "5 h 30 min", "outcome = 'enqueued' and missed = 5 and job_id is not null"},
		"skip":           {work.MissedSkip, "MINUTE * * * *", "5 h 30 min", "outcome = 'skipped' and missed = 5 and job_id is null"},
		"skip, but soon": {work.MissedSkip, "every 1s", "5 s", "outcome = 'enqueued' and missed >= 5 and job_id is not null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			execute(t, pool, `insert into work.schedule (name, kind, args, spec, missed, dirty, next_at)
				select 'it', 'test_step', '{"n": 1}'::json, replace($2, 'MINUTE', extract(minute from at)::text), $1, false, at
				from date_trunc('minute', now() - $3::interval) at where $3 <> '5 s' union all
				select 'it', 'test_step', '{"n": 1}'::json, $2, $1, false, now() - $3::interval where $3 = '5 s'`, string(c.missed), c.spec, c.before)
			maintaining(t, pool, options(t, nil))
			until(t, pool, c.want, "select "+c.want+" and due_at <= now() and due_at > now() - interval '32 min' from work.tick order by due_at limit 1")
			holds(t, pool, "there is a job for each tick that was run", `select (select count(*) from river.river_job) = count(*) from work.tick
				where outcome = 'enqueued'`)
			until(t, pool, "the next is within the hour", "select next_at > now() - interval '2 s' and next_at <= now() + interval '1 h' from work.schedule")
		})
	}
}

// TestDuplicateRun: while the job of the last run is unfinished, a unique job is not enqueued again, and the run's row names it.
func TestDuplicateRun(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	declare(t, pool, work.Schedule{Name: "it", Args: digestArgs{}, Spec: "every 1s", Missed: work.MissedOnce})
	maintaining(t, pool, options(t, nil))
	until(t, pool, "three runs name the same job", `select count(*) >= 3 from work.tick a join work.tick b using (schedule, job_id)
		where a.outcome = 'enqueued' and b.outcome = 'duplicate'`)
	if n := count(t, pool, "select count(*) from river.river_job"); n != 1 {
		t.Errorf("%d jobs", n)
	}
}

// TestSchedulesThatFail: broken schedules do not stop others, show what is wrong, and run again once they are corrected.
func TestSchedulesThatFail(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	for name, spec := range map[string]string{"bad spec": "99 * * * *", "bad opts": "every 1s", "good": "every 1s", "paused": "every 1s"} {
		execute(t, pool, "insert into work.schedule (name, kind, args, spec, missed) values ($1, 'test_step', '{}', $2, 'once')", name, spec)
	}
	execute(t, pool, "update work.schedule set zone = 'Europe/Nowhere' where name = 'bad spec'")
	execute(t, pool, `update work.schedule set opts = '{"queue": "no such queue!"}' where name = 'bad opts'`)
	execute(t, pool, "insert into work.schedule (name, kind, args, spec, missed) values ('', 'test_step', '{}', 'every 1s', 'once')")
	execute(t, pool, "update work.schedule set paused_at = now(), next_at = now() - interval '1 day' where name = 'paused'")
	o := optionsOf(nil, nil) // it logs errors, as it should
	maintaining(t, pool, o)
	until(t, pool, "the good one runs", "select count(*) >= 2 from work.tick where schedule = 'good'")
	until(t, pool, "the bad ones say why", `select count(*) = 2 from work.schedule where (name, broken) in (
		('bad spec', 'zone: the time zone "Europe/Nowhere" is unknown: write one as in UTC or Europe/Berlin'),
		('bad opts', 'opts: the queue "no such queue!" must be up to 64 lower-case letters and digits, with single _ or - between them'))`)
	holds(t, pool, "none of them has ticked", "select count(*) = 0 from work.tick where schedule not in ('good', '')")
	execute(t, pool, "update work.schedule set spec = 'every 1s', zone = 'UTC' where name = 'bad spec'")
	execute(t, pool, "update work.schedule set paused_at = null where name = 'paused'")
	// A busy machine may miss some runs, but the paused schedule's day had 86,400 of them.
	until(t, pool, "they run, and do not make up for missed runs", `select count(distinct schedule) = 2 and sum(missed) < 3600 from work.tick
		where schedule in ('bad spec', 'paused')`)
	holds(t, pool, "words are filled in", "select bool_and(words = 'every second') from work.schedule")
	holds(t, pool, "a row that is right is not broken", "select bool_and(broken is null) from work.schedule where name <> 'bad opts'")
}

// TestRunThatFailsOnce: a temporary error delays a run but does not lose it, even if the schedule skips late runs.
func TestRunThatFailsOnce(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	declare(t, pool, work.Schedule{Name: "it", Args: stepArgs{}, Spec: "0 0 1 1 *", Missed: work.MissedSkip})
	execute(t, pool, `create sequence tried;
		create function fail_once() returns trigger language plpgsql as $$ begin
			if nextval('tried') = 1 then raise exception 'deadlock detected' using errcode = '40P01'; end if;
			return new;
		end $$;
		create trigger fail_once before insert on work.tick for each row execute function fail_once();
		update work.schedule set next_at = now()`)
	maintaining(t, pool, optionsOf(nil, nil))
	until(t, pool, "it has run at last", "select outcome = 'enqueued' and (select last_value from tried) = 2 from work.tick")
}

// TestInfiniteTimes: jobs that another program inserted with the time infinity or -infinity do not delay others.
func TestInfiniteTimes(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	execute(t, pool, `insert into river.river_job (kind, args, max_attempts, queue, state, scheduled_at)
		select 'test_step', '{}', 25, 'default', state, at from unnest(enum_range(null::river.river_job_state)) state,
			unnest(array['infinity', '-infinity', now()]::timestamptz[]) at where state in ('available', 'scheduled')`)
	holds(t, pool, "queues can be looked at before anybody works", "select bool_and(oldest_wait > interval '1 year') from jobs.queue")
	declare(t, pool, work.Schedule{Name: "it", Args: stepArgs{}, Spec: "every 1s", Missed: work.MissedOnce})
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	until(t, pool, "schedules run", "select count(*) >= 2 from work.tick")
	until(t, pool, "all that are due are done", "select count(*) = 4 from river.river_job where state = 'completed' and not metadata ? 'schedule'")
	holds(t, pool, "queues can be looked at", "select bool_and(oldest_wait is null or oldest_wait < interval '1 min') from jobs.queue")
	holds(t, pool, "the others can be looked at", "select count(*) = 2 and bool_and(wait is null or wait < interval '1 min') from jobs.job where scheduled_at = 'infinity'")
	if _, err := pool.Exec(t.Context(), "update work.schedule set next_at = 'infinity'"); err == nil {
		t.Error("a schedule may be due at no time")
	}
}

// TestRunSetBack: a run that was done is not done again if an operator sets next_at back to its time; another time is.
func TestRunSetBack(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	declare(t, pool, work.Schedule{Name: "it", Args: stepArgs{}, Spec: "0 0 1 1 *", Missed: work.MissedOnce})
	execute(t, pool, "update work.schedule set next_at = now()")
	maintaining(t, pool, options(t, nil))
	until(t, pool, "it has run", "select count(*) = 1 from work.tick")
	execute(t, pool, "update work.schedule set next_at = (select due_at from work.tick)")
	until(t, pool, "the row is as it was", "select next_at > now() from work.schedule")
	if n := count(t, pool, "select count(*) from river.river_job"); n != 1 {
		t.Errorf("%d jobs of one run", n)
	}
	execute(t, pool, "update work.schedule set next_at = now()") // as an operator does to run it now
	until(t, pool, "it has run again", "select (select count(*) from work.tick) = 2 and count(*) = 2 from river.river_job")
}
