package work_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// notices counts River's insert notices from now on; the returned function returns their number.
func notices(t *testing.T, pool *pgxpool.Pool) func() int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), `listen "river.river_insert"; listen done`); err != nil {
		t.Fatal(err)
	}
	return func() (n int) {
		if _, err := pool.Exec(t.Context(), "notify done"); err != nil {
			t.Fatal(err)
		}
		for {
			got, err := conn.WaitForNotification(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got.Channel == "done" {
				return n
			}
			n++
		}
	}
}

// TestNoticesAreLeftOut: an insert sends no notice while many jobs have just come due.
func TestNoticesAreLeftOut(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	jobs := inserter(t, pool)
	heard, began := notices(t, pool), time.Now()
	for range 30 {
		if _, err := jobs.Insert(t.Context(), stepArgs{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	// Those of the last second count as just due.
	if n, took := heard(), time.Since(began); n < 1 || n > 8*(1+int(took/time.Second)) {
		t.Errorf("30 jobs that no worker fetches sent %d notices within %s; the first eight of a second are enough", n, took)
	}
}

// TestOldJobsSilenceNoNotice: jobs that no worker takes, for instance of an unknown kind, must not make the others wait.
func TestOldJobsSilenceNoNotice(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	jobs := inserter(t, pool)
	_, err := pool.Exec(t.Context(), `insert into river.river_job (kind, args, max_attempts, queue, state, scheduled_at)
		select 'of_another_release', '{}', 25, 'default', 'available', now() - interval '2 s' from generate_series(1, 100)`)
	if err != nil {
		t.Fatal(err)
	}
	heard := notices(t, pool)
	for range 5 {
		if _, err := jobs.Insert(t.Context(), stepArgs{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := heard(); n != 5 {
		t.Errorf("5 jobs behind old ones sent %d notices", n)
	}
}

// TestRushIsFetched: of many jobs that many clients enqueue at once, with hardly a notice, none waits for the poll.
func TestRushIsFetched(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	seldomPolling(t, pool, func(context.Context, *stepJob) error { return nil })
	var waits []time.Duration
	for range 3 {
		waits = append(waits, rush(t, pool))
	}
	ahead(t, waits)
}

// rush enqueues many jobs from many goroutines, and returns how long the last of them waited.
func rush(t *testing.T, pool *pgxpool.Pool) (slowest time.Duration) {
	t.Helper()
	const enqueuers, each = 8, 50
	jobs := inserter(t, pool)
	done := make(chan error, enqueuers)
	for range enqueuers {
		go func() {
			for range each {
				if _, err := jobs.Insert(t.Context(), stepArgs{}, nil); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range enqueuers {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	until(t, pool, "all are done", "select count(*) > 0 and bool_and(state = 'completed') from river.river_job")
	err := pool.QueryRow(t.Context(), "with rush as (delete from river.river_job returning *) select max(attempted_at - created_at) from rush").Scan(&slowest)
	if err != nil {
		t.Fatal(err)
	}
	return slowest
}
