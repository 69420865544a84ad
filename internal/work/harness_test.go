package work_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// asWorker is the variable that makes the test binary a worker process on the database that it names. Its jobs never end,
// unless another variable sets their work.
const asWorker = "BACKLIST_TEST_WORKER_URL"

func TestMain(m *testing.M) {
	if url := os.Getenv(asWorker); url != "" {
		workForEver(url)
		return
	}
	testdb.Main(m)
}

func workForEver(url string) {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		panic(err)
	}
	does := os.Getenv(asWorker + "_DOES")
	o := optionsOf(nil, doing(pool, does))
	o.Process, o.PollOnly = "worker.66", pollOnly(url)
	if does == "brief" || does == "brief poison" {
		work.AddBrief(o.Workers, &noteWorker{noteUntilKilled(pool, does)}, work.Brief{})
	}
	if does == "tick" {
		work.AddWorker(o.Workers, river.WorkFunc(func(context.Context, *river.Job[taggedArgs]) error { return nil }))
		o.Release = "v8"
	}
	if does == "keep" {
		k, err := work.NewMaintainer(pool, o)
		if err != nil {
			panic(err)
		}
		k.Run(ctx)
	}
	w, err := work.NewWorker(pool, o)
	if err != nil {
		panic(err)
	}
	if err := w.Run(ctx, func() { fmt.Println("ready") }); err != nil {
		panic(err)
	}
}

// another starts a worker in a separate process, for tests to kill.
func another(t *testing.T, pool *pgxpool.Pool) *os.Process {
	t.Helper()
	return anotherOf(t, pool, "")
}

// anotherOf is like another, with jobs that do something.
func anotherOf(t *testing.T, pool *pgxpool.Pool, does string) *os.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asWorker+"="+pool.Config().ConnString(), asWorker+"_DOES="+does)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd.Process
}

// until polls a condition in the database for up to a minute.
func until(t *testing.T, pool *pgxpool.Pool, what, sql string, args ...any) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		var ok bool
		if err := pool.QueryRow(t.Context(), "select coalesce(("+sql+"), false)", args...).Scan(&ok); err != nil {
			t.Fatal(err)
		}
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(5 * time.Millisecond) // between two polls
	}
}

// seldomPolling is like running, but polls so rarely that a wait for the poll cannot be confused with a busy machine.
func seldomPolling(t *testing.T, pool *pgxpool.Pool, do func(ctx context.Context, job *stepJob) error) *work.Worker {
	t.Helper()
	o := options(t, do)
	o.Poll = 2 * time.Minute
	w, _ := worktest.Start(t, pool, o)
	return w
}

// ahead checks that most of the waits did not last until the poll of seldomPolling.
func ahead(t *testing.T, waits []time.Duration) {
	t.Helper()
	slices.Sort(waits)
	t.Logf("waited %s", waits)
	if waits[len(waits)/2] > time.Minute {
		t.Errorf("they waited for the poll: %s", waits)
	}
}

// now returns the time by the server's clock.
func now(t *testing.T, pool *pgxpool.Pool) (at time.Time) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "select clock_timestamp()").Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at
}

func enqueue(t *testing.T, pool *pgxpool.Pool, n int) int64 {
	t.Helper()
	res, err := inserter(t, pool).Insert(t.Context(), stepArgs{N: n}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res.Job.ID
}

// awaitServerStart waits until the server has been up for so long that workers may be declared dead.
func awaitServerStart(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	until(t, pool, "the server has been up for 10 s", "select clock_timestamp() - pg_postmaster_start_time() > interval '10.1 s'")
}
