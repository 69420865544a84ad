package record

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// ended returns an attempt that ended a while ago, of the release and with this wait.
func ended(queue, release string, ago, wait time.Duration) *Attempt {
	started := time.Now().Add(-ago)
	return &Attempt{
		JobID: 1, Number: 1, Kind: "k", Queue: queue, Outcome: Completed, Worker: "w", Release: release,
		Due: started.Add(-wait), Started: started, Run: time.Millisecond,
	}
}

func text(t testing.TB, pool *pgxpool.Pool, sql string) (s string) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "select coalesce(("+sql+")::text, 'null')").Scan(&s); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return s
}

func do(t testing.TB, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// TestOlderReleaseBeside: a process of the release before writes its minutes as it always did, while this release's write theirs:
// nothing is lost, or counted twice.
func TestOlderReleaseBeside(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	const older = `insert into work.minute as m (minute, queue, kind, completed, failed, discarded, cancelled, snoozed, handed_back,
			wait, run, wait_s, run_s)
		values (date_trunc('minute', now()), 'q', 'k', 1, 0, 0, 0, 0, 0, 1 || array_fill(0, array[25]), 1 || array_fill(0, array[25]), 0, 0)
		on conflict (minute, queue, kind) do update set completed = m.completed + excluded.completed,
			wait = work.sum(m.wait, excluded.wait), run = work.sum(m.run, excluded.run)`
	r := newTestRecorder(t, pool, "one")
	for range 3 {
		do(t, pool, older)
		r.Note(ended("q", "v7", 0, 0))
		r.flush(t.Context())
	}
	if got := text(t, pool, "select string_agg(release || n, ' ' order by release) from (select release, sum(completed) as n from jobs.minute group by release) m"); got != "3 v73" {
		t.Errorf("by release: %q", got)
	}
	do(t, pool, "insert into river.river_queue (name, updated_at) values ('q', now())")
	if got := text(t, pool, "select round(finished_per_minute * 5) >= 6 from jobs.queue where queue = 'q'"); got != "true" {
		t.Errorf("jobs.queue counts both: %s", got)
	}
	for view, sql := range map[string]string{
		"jobs.kind":   "select completed_day from jobs.kind where kind = 'k'",
		"jobs.series": "select sum(completed) from jobs.series('24 h')",
		"jobs.hour":   "select sum(completed) from jobs.hour",
	} {
		if got := text(t, pool, sql); got != "6" {
			t.Errorf("%s counts %s, want 6", view, got)
		}
	}
}

// TestFourReleases: of more releases than four, the others share a row.
func TestFourReleases(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	r := newTestRecorder(t, pool, "one")
	for i := range 12 {
		r.Note(ended("q", "v"+strconv.Itoa(i%6), time.Hour, 0))
		r.flush(t.Context())
	}
	if got := text(t, pool, "select string_agg(release || n, ' ' order by release) from (select release, sum(completed) as n from work.minute_release group by release) m"); got != "others4 v02 v12 v22 v32" {
		t.Errorf("got %s", got)
	}
}

// TestLate: attempts are judged by the target of their queue when they are written.
func TestLate(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	r := newTestRecorder(t, pool, "one")
	note := func() {
		for _, wait := range []time.Duration{0, 5 * time.Second, 5001 * time.Millisecond, time.Minute} {
			r.Note(ended("judged", "v7", 0, wait))
			r.Note(ended("other", "v7", 0, wait))
		}
		r.flush(t.Context())
	}
	note()
	do(t, pool, "insert into work.queue_target (queue, within, share, set_by) values ('judged', '5 s', 0.99, 'me')")
	note()
	if got := text(t, pool, "select sum(completed) || ' ' || sum(judged) || ' ' || sum(late) from jobs.minute"); got != "16 4 2" {
		t.Errorf("attempts, judged and late: %s, want 16 4 2", got)
	}
	if got := text(t, pool, "select sum(judged + late) from jobs.minute where queue = 'other'"); got != "0" {
		t.Errorf("a queue without a target has %s", got)
	}
}

// fillMinutes writes a row for each of the minutes back from now, two kinds and two releases.
func fillMinutes(t testing.TB, pool *pgxpool.Pool, minutes int) {
	t.Helper()
	do(t, pool, fmt.Sprintf(`insert into work.minute_release (minute, queue, kind, release, completed, failed, judged, late, wait, run, wait_s, run_s)
		select date_trunc('minute', now()) - m * interval '1 min', 'q', k, r, 2, 1, 3, 1, array_fill(0, array[9]) || 3 || array_fill(0, array[16]),
			3 || array_fill(0, array[25]), 1, 2
		from generate_series(0, %d) m, unnest('{a,b}'::text[]) k, unnest('{v1,v2}'::text[]) r`, minutes-1))
}

// sums are the totals of a view or table, which must be the same in all of them.
const sums = "select concat_ws(' ', sum(completed), sum(failed), sum(judged), sum(late), (work.sum(wait))[10], (work.sum(run))[1]) from "

// TestSumUp: it catches up after a downtime, and repeating it changes nothing; what is written late is added; the views add what is
// not summed up yet.
func TestSumUp(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	fillMinutes(t, pool, 3*24*60)
	want := text(t, pool, sums+"work.minutes")
	hour := strings.NewReplacer("(wait)", "(wait_histogram)", "(run)", "(run_histogram)").Replace(sums) + "jobs.hour"
	// Points that the series has throughout the test: a new half hour may begin meanwhile, with which the first point leaves it.
	series := fmt.Sprintf("select sum(completed) || ' ' || sum(failed) || ' ' || sum(judged) || ' ' || sum(late) || ' ' || max(wait_p50) from jobs.series('60 h') "+
		"where at between timestamptz '%[1]s' - interval '58 h' and timestamptz '%[1]s'", text(t, pool, "select now()"))
	before := text(t, pool, series)
	if got := text(t, pool, hour); got != want {
		t.Errorf("before: %s, want %s", got, want)
	}
	for text(t, pool, "select count(*) = 2 and min(until) > now() - interval '1 h 1 min' from work.rollup") != "true" {
		if err := SumUp(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
		if got := text(t, pool, hour); got != want {
			t.Errorf("after a part: %s, want %s", got, want)
		}
	}
	if got := text(t, pool, series); got != before {
		t.Errorf("the series was %s, and is %s", before, got)
	}
	for table, column := range map[string]string{"hour": "hour", "ten_minutes": "at"} {
		if got := text(t, pool, "select until >= now() - interval '1 h 1 min' and until > (select max("+column+") from work."+table+") from work.rollup where name = '"+table+"'"); got != "true" {
			t.Errorf("%s is not summed up to the end", table)
		}
		if got, want := text(t, pool, sums+"work."+table), text(t, pool, sums+"work.minutes where minute < (select until from work.rollup where name = '"+table+"')"); got != want {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}

	// A process that could not reach the database adds to an hour that is summed up.
	do(t, pool, `update work.minute_release set completed = completed + 1, wait[10] = wait[10] + 1, run[1] = run[1] + 1
		where kind = 'a' and release = 'v1' and minute = (select until - interval '90 min' from work.rollup where name = 'hour');
		update work.rollup set until = until - interval '1 h'`)
	rows := text(t, pool, "select string_agg(xmin::text, ' ' order by hour, kind, release) from work.hour where hour < now() - interval '10 h'")
	if err := SumUp(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, pool, hour), text(t, pool, sums+"work.minutes"); got != want {
		t.Errorf("after a late write: %s, want %s", got, want)
	}
	if rows != text(t, pool, "select string_agg(xmin::text, ' ' order by hour, kind, release) from work.hour where hour < now() - interval '10 h'") {
		t.Error("rows that are up to date were written again")
	}
}

// TestSumUpByOne: while one process sums up, another does nothing, and does not wait.
func TestSumUpByOne(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	fillMinutes(t, pool, 120)
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "select pg_advisory_xact_lock($1), pg_advisory_xact_lock($2)", sumLock, backlogLock); err != nil {
			return err
		}
		if err := SumUp(t.Context(), pool); err != nil {
			return err
		}
		return countBacklog(t.Context(), pool, "river")
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := sum(t, pool, "select (select count(*) from work.hour) + (select count(*) from work.backlog)"); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// TestBacklog: one count a minute, of all queues and of the 50 that have most.
func TestBacklog(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, `insert into river.river_job (kind, queue, state, attempt, max_attempts, args, attempted_by, attempted_at)
		select 'k', 'q' || q, (array['available', 'running', 'retryable'])[1 + n % 3]::river.river_job_state, 1, 5, '{}', '{w}', now()
		from generate_series(1, 60) q, generate_series(1, q * 3) n`)
	for range 2 {
		// Both may fall into two minutes, so the second count is of the same minute only most of the time; both are right.
		if err := countBacklog(t.Context(), pool, "river"); err != nil {
			t.Fatal(err)
		}
	}
	for sql, want := range map[string]string{
		"select string_agg(distinct concat_ws(' ', available, running, retryable), ',') from work.backlog where queue = ''":    "1830 1830 1830",
		"select string_agg(distinct concat_ws(' ', available, running, retryable), ',') from work.backlog where queue = 'q60'": "60 60 60",
		"select count(distinct queue) from work.backlog":                                                                       "51",
		"select max(available) from jobs.series('5 min')":                                                                      "1830",
		"select max(retryable) from jobs.series('5 min', 'q60')":                                                               "60",
		"select max(available) from jobs.series('5 min', 'none')":                                                              "0",
		"select max(available) from jobs.series('5 min', kind => 'k')":                                                         "null",
		"select count(*) = count(distinct (queue, minute)) from work.backlog":                                                  "true",
	} {
		if got := text(t, pool, sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	do(t, pool, "truncate work.backlog; delete from river.river_job")
	if err := countBacklog(context.WithoutCancel(t.Context()), pool, "river"); err != nil {
		t.Fatal(err)
	}
	if got := text(t, pool, "select string_agg(concat_ws(' ', queue, available, running, retryable), ',') from work.backlog"); got != " 0 0 0" {
		t.Errorf("an empty table counts as %q", got)
	}
}
