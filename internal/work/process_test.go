package work_test

import (
	"context"
	"os"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

// collector returns how far the heap may grow, in percent, and the memory limit.
func collector() [2]uint64 {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(s)
	return [2]uint64{s[0].Value.Uint64(), s[1].Value.Uint64()}
}

// TestProcess: jobs have connections without jit, and the collector as Tune sets it. Jobs that hold all of their connections
// leave the worker its own, and the process has no more than its share and one listener. It leaves the collector as it was.
func TestProcess(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	before := collector()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type found struct {
		jit       string
		conns     int32
		collector [2]uint64
	}
	holding := make(chan found, 6)
	release := make(chan struct{})
	var id string
	ended, ready := make(chan error, 1), make(chan struct{})
	p := work.Process{
		Options: options(t, nil), URL: pool.Config().ConnString(), Share: postgres.Share{Size: 4},
		Started: func(name string) { id = name },
		Ready:   func() { close(ready) },
	}
	p.Jobs = func(pool *pgxpool.Pool) (*work.Workers, error) {
		workers := work.NewWorkers()
		work.AddWorker(workers, &stepWorker{work: func(ctx context.Context, _ *river.Job[stepArgs]) error {
			conn, err := pool.Acquire(ctx)
			if err != nil {
				return err
			}
			defer conn.Release()
			f := found{conns: pool.Config().MaxConns, collector: collector()}
			if err := conn.QueryRow(ctx, "show jit").Scan(&f.jit); err != nil {
				return err
			}
			holding <- f
			<-release
			return nil
		}})
		return workers, nil
	}
	go func() { ended <- work.Run(ctx, p) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	for n := range 6 {
		enqueue(t, pool, n)
	}
	want := found{jit: "off", conns: 3, collector: [2]uint64{400, 256 << 20}}
	for i, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if os.Getenv(name) != "" {
			want.collector[i] = before[i]
		}
	}
	for range want.conns {
		if got := <-holding; got != want {
			t.Errorf("a job finds %+v, want %+v", got, want)
		}
	}
	seen := now(t, pool)
	until(t, pool, "the worker still sends heartbeats", "select seen_at > $2 from work.worker where id = $1", id, seen)
	if n := count(t, pool, "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'backlist%'"); n > 5 {
		t.Errorf("the process has %d connections; its share is 4 and a listener", n)
	}
	close(release)
	until(t, pool, "all jobs are done", "select count(*) = 6 from river.river_job where state = 'completed'")
	stop()
	if err := <-ended; err != nil || !strings.HasPrefix(id, "worker.1-") {
		t.Errorf("%s: %v", id, err)
	}
	if after := collector(); after != before {
		t.Errorf("the collector was left at %d, and had been at %d", after, before)
	}
}
