package work_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// hastyWorker has a time limit of its own, or none if the job's number is negative.
type hastyWorker struct {
	river.WorkerDefaults[stepArgs]
	work func(ctx context.Context, job *river.Job[stepArgs]) error
}

func (*hastyWorker) Timeout(job *river.Job[stepArgs]) time.Duration {
	return time.Duration(job.Args.N) * time.Millisecond
}

func (w *hastyWorker) Work(ctx context.Context, job *river.Job[stepArgs]) error {
	return w.work(ctx, job)
}

// TestTimeLimit: a worker's own limit ends its context; 0 means the default limit, and a negative one no limit.
func TestTimeLimit(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	limits := make(chan time.Time, 2)
	o := options(t, nil)
	o.Workers = work.NewWorkers()
	work.AddWorker(o.Workers, &hastyWorker{work: func(ctx context.Context, job *river.Job[stepArgs]) error {
		if job.Args.N == 50 {
			<-ctx.Done()
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				t.Errorf("the context ended with %v", ctx.Err())
			}
			return ctx.Err()
		}
		deadline, _ := ctx.Deadline()
		limits <- deadline
		return nil
	}})
	worktest.Start(t, pool, o)
	id := enqueue(t, pool, 50)
	until(t, pool, "it failed for taking too long", `select state in ('retryable', 'available') and errors[1] ->> 'error' = 'context deadline exceeded'
		from river.river_job where id = $1`, id)
	before := time.Now()
	enqueue(t, pool, 0)
	if limit := <-limits; limit.Before(before.Add(work.JobTimeout)) || limit.After(time.Now().Add(work.JobTimeout)) {
		t.Errorf("without a limit of its own it has %s", limit.Sub(before))
	}
	enqueue(t, pool, -1)
	if limit := <-limits; !limit.IsZero() {
		t.Errorf("with none it has %s", limit.Sub(before))
	}
}
