package record

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/trace"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func newTestRecorder(t testing.TB, pool *pgxpool.Pool, worker string) *Recorder {
	t.Helper()
	return NewRecorder(pool, worker, Options{Release: "v7", Schema: "river", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
}

// anAttempt is the n-th of many, a millisecond after the one before.
func anAttempt(worker string, n int) *Attempt {
	began := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Millisecond)
	a := &Attempt{
		JobID: int64(n), Number: 1, Kind: fmt.Sprintf("kind_%d", n%5), Queue: "default", Outcome: Completed, Worker: worker, Release: "v7",
		Due: began.Add(-10 * time.Millisecond), Started: began, Run: 3 * time.Millisecond,
	}
	if n%10 == 0 {
		a.Outcome, a.Err, a.CountsErr = Failed, fmt.Sprintf("error %c: no book %d", 'a'+rune(n/10%7), n), true
	}
	return a
}

func sum(t testing.TB, pool *pgxpool.Pool, sql string) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "select coalesce(("+sql+"), 0)::int").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// adds checks that exactly n attempts are written, and that minutes and errors say the same.
func adds(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	failed := sum(t, pool, "select count(*) from work.attempt where outcome = 'failed'")
	for sql, want := range map[string]int{
		"select count(*) from work.attempt":                                         n,
		"select sum(completed + failed) from work.minute_release":                   n,
		"select (work.sum(wait))[5] from work.minute_release":                       n, // 8 to 16 ms
		"select (work.sum(run))[3] from work.minute_release":                        n, // 2 to 4 ms
		"select round(sum(wait_s) * 100) from work.minute_release":                  n,
		"select sum(failed) from work.minute_release":                               failed,
		"select sum(attempts) from work.error_hour":                                 failed,
		"select count(*) from work.error_hour where kind not in ('kind_0')":         0,
		"select count(*) from (select from work.attempt group by job_id, worker) a": n,
	} {
		if got := sum(t, pool, sql); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
}

// TestRecordersMerge: two processes write the same minutes and errors at once, in many batches.
func TestRecordersMerge(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	var group sync.WaitGroup
	for _, worker := range []string{"one", "two"} {
		r := newTestRecorder(t, pool, worker)
		group.Go(func() {
			var notes sync.WaitGroup
			for part := range 4 {
				notes.Go(func() {
					for n := range 500 {
						r.Note(anAttempt(worker, part*500+n))
						if n%50 == 0 && part == 0 {
							r.flush(t.Context())
						}
					}
				})
			}
			notes.Wait()
			r.flush(t.Context())
			if r.left() != 0 {
				t.Errorf("%d attempts were not written", r.left())
			}
		})
	}
	group.Wait()
	adds(t, pool, 4000)
	if n := sum(t, pool, "select count(*) from work.error"); n != 7 {
		t.Errorf("%d errors, want 7", n)
	}
}

// TestBadRow: an attempt that Postgres refuses does not keep the others from being written.
func TestBadRow(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	r := newTestRecorder(t, pool, "one")
	for n := range 100 {
		a := anAttempt("one", n)
		if n == 41 {
			a.Kind = "bad\x00"
		}
		r.Note(a)
	}
	r.flush(t.Context())
	adds(t, pool, 99)
}

func TestTidy(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	if _, err := pool.Exec(t.Context(), `
		insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, due_at, started_at, ended_at)
		select n, 1, 'k', 'q', case when n % 2 = 0 then 'completed' else 'failed' end, 'w', 'v7', at, at, at
		from (select n, now() - n * interval '3 s' - case when n > 28000 then interval '2 h' else '0' end as at from generate_series(1, 40000) n) a;
		insert into work.minute (minute, queue, kind, wait, run, wait_s, run_s)
		select now() - n * interval '1 day', 'q', 'k', '{}', '{}', 0, 0 from generate_series(1, 40) n;
		insert into work.minute_release (minute, queue, kind, release, wait, run, wait_s, run_s) select minute, queue, kind, 'v1', wait, run, 0, 0 from work.minute;
		insert into work.hour select now() - n * interval '1 day', 'q', 'k', 'v1', 1, 0, 0, 0, 0, 0, 0, 0, '{}', '{}', 0, 0 from generate_series(1, 100) n;
		insert into work.ten_minutes select now() - n * interval '1 day', 'q', 1, 0, 0, 1, 0, 0, '{}', '{}' from generate_series(1, 100) n;
		insert into work.backlog select 'q', now() - n * interval '1 day', 1, 0, 0 from generate_series(1, 40) n;
		insert into work.error (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release, muted_at, muted_until)
		select n, '', now(), now() - n * interval '1 day', '', '', case when n >= 39 then now() end, case when n = 39 then now() - interval '1 s' end from generate_series(1, 40) n;
		insert into work.error_hour select n, now() - n * interval '1 day', 'k', 'v7', 1 from generate_series(1, 40) n;
		insert into work.request (id, method, route, status, started_at, ended_at, release, process, jobs)
		select n, '', '', 200, now() - n * interval '1 min' - case when n > 1400 then interval '1 h' else '0' end, now(), '', '', '{}'
		from generate_series(1, 1500) n;
		insert into work.audit (act, at) select 'pause', now() - n * interval '100 days' from generate_series(1, 5) n;
		insert into work.undo (audit_id, job_id, until, before, after)
		select 1 + n / 5000, n, now() - interval '1 s' + (n / 6001) * interval '1 h', i, i from generate_series(1, 6010) n, (select row('available', 0, null, 1, now(), null, null, null)::work.image) x (i);
		insert into work.worker (id, slots, lock_key, stopped_at, dead_at)
		select n, 1, n, case when n % 2 = 0 then now() - n * interval '1 day' end, case when n % 2 = 1 then now() - n * interval '1 day' end
		from generate_series(1, 10) n;
		insert into work.schedule (name, kind, spec, missed) values ('frequent', 'k', 'every 20s', 'skip'), ('rare', 'k', 'every 20s', 'skip');
		insert into work.tick (schedule, due_at, outcome, missed, by) select 'frequent', now() - n * interval '20 s', 'skipped', 0, '' from generate_series(1, 100010) n;
		insert into work.tick (schedule, due_at, outcome, missed, by) values ('rare', now() - interval '29 days', 'skipped', 0, '');
		insert into work.worker (id, slots, lock_key, started_at) values ('alive', 1, 1, now() - interval '100 days')`); err != nil {
		t.Fatal(err)
	}
	if err := Tidy(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]int{
		"select count(*) from work.attempt":                      28_000,
		"select count(*) from work.minute":                       29,
		"select count(*) from work.minute_release":               29,
		"select count(*) from work.hour":                         89,
		"select count(*) from work.ten_minutes":                  89,
		"select count(*) from work.backlog":                      29,
		"select count(*) from work.error":                        30, // the one that is still muted too
		"select count(*) from work.error_hour":                   29,
		"select count(*) from work.request":                      1400,
		"select count(*) from work.audit":                        3,
		"select count(*) from work.undo":                         10,
		"select count(*) from work.worker":                       7, // and the one that lives
		"select count(*) from work.tick":                         100_000,
		"select count(*) from work.tick where schedule = 'rare'": 1, // the oldest, but its schedule's latest
	} {
		if got := sum(t, pool, sql); got != want {
			t.Errorf("%s: %d, want %d", sql, got, want)
		}
	}
	// Of the attempts, 14,000 are failed.
	for _, c := range []struct{ most, failed int }{{20_000, 14_000}, {10_000, 10_000}} {
		if err := keepAtMost(t.Context(), pool, c.most, "work.attempt", "outcome = 'completed'", "ended_at"); err != nil {
			t.Fatal(err)
		}
		all, failed := sum(t, pool, "select count(*) from work.attempt"), sum(t, pool, "select count(*) from work.attempt where outcome = 'failed'")
		if all != c.most || failed != c.failed {
			t.Errorf("%d attempts are left, %d failed; want %d, %d", all, failed, c.most, c.failed)
		}
	}
	if newest := sum(t, pool, "select extract(epoch from now() - max(ended_at)) from work.attempt"); newest > 60 {
		t.Errorf("the newest left is %d s old", newest)
	}
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "select pg_advisory_lock($1)", tidyLock); err != nil {
		t.Fatal(err)
	}
	if n, err := deleteUpTo(t.Context(), pool, 100, "work.attempt", "true", "ended_at"); n != 0 || err != nil {
		t.Errorf("while another deletes: %d, %v", n, err)
	}
}

func BenchmarkNote(b *testing.B) {
	r := newTestRecorder(b, nil, "one")
	a := anAttempt("one", 1)
	_, a.Steps = trace.Start(b.Context())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for n := 1; pb.Next(); n++ {
			r.Note(a)
			if n%1000 == 0 {
				r.take()
			}
		}
	})
}

func BenchmarkFlush5000(b *testing.B) {
	pool := testdb.New(b)
	r := newTestRecorder(b, pool, "one")
	n := 0
	for b.Loop() {
		for range 5000 {
			n++
			r.Note(anAttempt("one", n))
		}
		r.flush(b.Context())
	}
	if r.left() > 0 {
		b.Error(r.left(), "left")
	}
}
