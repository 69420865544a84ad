package work_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestCancelReaches: a cancellation reaches a running job, whether by the client or by an update without a notice, and the job
// ends as cancelled whatever error it returns. "bench latency" measures how soon.
func TestCancelReaches(t *testing.T) {
	t.Parallel()
	boom := errors.New("I was interrupted")
	for name, outcome := range map[string]func(ctx context.Context) error{
		"the context's error":          func(ctx context.Context) error { return ctx.Err() },
		"the context's error, wrapped": func(ctx context.Context) error { return fmt.Errorf("chunk 7: %w", ctx.Err()) },
		"words of its own":             func(context.Context) error { return boom },
	} {
		for _, byClient := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, by the client %v", name, byClient), func(t *testing.T) {
				t.Parallel()
				pool := testdb.New(t)
				begun, ended := make(chan struct{}), make(chan error, 1)
				running(t, pool, func(ctx context.Context, _ *stepJob) error {
					close(begun)
					<-ctx.Done()
					ended <- context.Cause(ctx)
					return outcome(ctx)
				})
				id := enqueue(t, pool, 1)
				<-begun
				began := time.Now()
				if byClient {
					if _, err := inserter(t, pool).JobCancel(t.Context(), id); err != nil {
						t.Fatal(err)
					}
				} else {
					execute(t, pool, `update river.river_job set metadata = metadata || '{"cancel_attempted_at": "2026-11-25T12:00:00Z"}' where id = $1`, id)
				}
				if cause := <-ended; !errors.Is(cause, rivertype.ErrJobCancelledRemotely) {
					t.Errorf("it ended because of %v", cause)
				}
				t.Logf("its context ended after %s", time.Since(began))
				until(t, pool, "it is cancelled", "select state = 'cancelled' and finalized_at is not null from river.river_job where id = $1", id)
			})
		}
	}
}

// TestCancelReachesWhileStopping: a cancellation also reaches a job that still runs after SIGTERM, which is not handed back.
func TestCancelReachesWhileStopping(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	begun, ended := make(chan struct{}), make(chan error, 1)
	o := options(t, func(ctx context.Context, _ *stepJob) error {
		close(begun)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return ctx.Err()
	})
	o.Grace = time.Hour
	_, stop := worktest.Start(t, pool, o)
	id := enqueue(t, pool, 1)
	<-begun
	until(t, pool, "it leads", "select true from river.river_leader")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	until(t, pool, "River's services have ended", "select count(*) = 0 from river.river_leader")
	if _, err := inserter(t, pool).JobCancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if cause := <-ended; !errors.Is(cause, rivertype.ErrJobCancelledRemotely) {
		t.Errorf("it ended because of %v", cause)
	}
	<-stopped
	holds(t, pool, "it is cancelled", "select state = 'cancelled' and finalized_at is not null from river.river_job where id = $1", id)
	outcomes(t, pool, id, "cancelled")
}
