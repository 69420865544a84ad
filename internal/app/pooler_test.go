package app

import (
	"testing"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestWorkerThroughAPooler: with WORKER_POLL_ONLY a worker runs jobs through a real pooler, and stops in order.
func TestWorkerThroughAPooler(t *testing.T) {
	t.Parallel()
	direct := testdb.NewURL(t)
	worker := start(t, worktest.Pooler(t, direct), []string{"WORKER_POLL_ONLY=yes", "WORKER_POOL=2"}, "worker")
	pool := openPool(t, direct)
	for range 3 { // repeated, because pgx would reuse prepared statements
		id := valueOf[int64](t, pool, "select id from jobs.enqueue('prune_sessions', '{}')")
		eventually(t, pool, "the job is done", "select state = 'completed' from jobs.job where id = $1", id)
	}
	if err := worker.stop(); err != nil {
		t.Error(err)
	}
	if n := valueOf[int](t, pool, "select count(*)::int from work.worker where stopped_at is not null"); n != 1 {
		t.Error("the worker did not deregister")
	}
	if n := valueOf[int](t, pool, "select count(*)::int from work.attempt where outcome = 'completed'"); n != 3 {
		t.Errorf("%d attempts were recorded, not 3", n)
	}
}
