package work_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

// TestProgress: it is seen in the row and told while the job runs, about once a second however often it is reported, and
// the last of it stays, whatever becomes of the attempt.
func TestProgress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome error
		state   string
	}{"done": {nil, "completed"}, "failed": {errors.New("boom"), "available"}, "finished": {nil, "completed"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			conn, err := pgx.Connect(t.Context(), pool.Config().ConnString())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.WithoutCancel(t.Context()))
			if _, err := conn.Exec(t.Context(), "listen work_progress; listen pages"); err != nil {
				t.Fatal(err)
			}
			seen, first := make(chan struct{}), true
			running(t, pool, func(ctx context.Context, job *stepJob) error {
				if !first {
					return nil
				}
				first = false
				work.TellProgress(ctx, "pages", "those of Ada")
				for i := range 1000 {
					work.Progress(ctx, float64(i)/10, fmt.Sprintf("step %d for ada@example.com", i))
				}
				<-seen
				work.Progress(ctx, 250, "the last\x00 step"+strings.Repeat("é", 5000))
				if name == "finished" {
					return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
				}
				return c.outcome
			})
			id := enqueue(t, pool, 1)
			var told []string
			pages := 0
			for len(told) == 0 || !strings.Contains(told[len(told)-1], "step 999") || pages < len(told) {
				n, err := conn.WaitForNotification(t.Context())
				switch {
				case err != nil:
					t.Fatal(err)
				case n.Channel == work.ProgressChannel:
					told = append(told, n.Payload)
				case n.Payload == "those of Ada":
					pages++
				}
			}
			if len(told) > 2 {
				t.Errorf("%d notices of one moment", len(told))
			}
			var got struct {
				JobID    int64 `json:"job_id"`
				Percent  float64
				Sentence string
			}
			if err := json.Unmarshal([]byte(told[len(told)-1]), &got); err != nil || got.JobID != id || got.Percent != 99.9 || got.Sentence != "step 999 for (address)" {
				t.Errorf("it was told %+v, %v", got, err)
			}
			holds(t, pool, "the row has it too", `select state = 'running' and (metadata -> 'progress' ->> 'percent')::float8 = 99.9
				and (metadata -> 'progress' ->> 'at')::timestamptz > now() - interval '10 s' from river.river_job where id = $1`, id)
			close(seen)
			until(t, pool, "the last stays", `select metadata -> 'progress' ->> 'percent' = '100' and metadata -> 'progress' ->> 'sentence' like 'the last stepé%'
				and (state::text = $2 or attempt = 2) from river.river_job where id = $1`, id, c.state)
		})
	}
}

// TestProgressOfALockedJob: a job that reports from within its own transaction neither waits for itself nor loses it.
func TestProgressOfALockedJob(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	end := make(chan struct{})
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		err := work.Hold(ctx, pool, job, func(tx pgx.Tx) error {
			work.Progress(ctx, 50, "half")
			_, err := tx.Exec(ctx, "select pg_sleep(0.3)") // long enough for a writer to find the row locked
			return err
		})
		<-end
		return err
	})
	id := enqueue(t, pool, 1)
	until(t, pool, "it is written after the transaction", "select state = 'running' and metadata -> 'progress' ->> 'sentence' = 'half' from river.river_job where id = $1", id)
	close(end)
}

// TestProgressOfALateAttempt is not written into the job of another.
func TestProgressOfALateAttempt(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	begun, given := make(chan struct{}), make(chan struct{})
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		if job.Args.N == 0 {
			return nil
		}
		close(begun)
		<-given
		work.Progress(ctx, 50, "half")
		time.Sleep(100 * time.Millisecond) // it would be written meanwhile
		return nil
	})
	id := enqueue(t, pool, 1)
	<-begun
	execute(t, pool, "update river.river_job set attempt = attempt + 1, attempted_by = array_append(attempted_by, 'someone else') where id = $1", id)
	close(given)
	until(t, pool, "a later one is stored", "select state = 'completed' from river.river_job where id = $1", enqueue(t, pool, 0))
	time.Sleep(300 * time.Millisecond) // the completer's longest wait
	holds(t, pool, "nothing was written", "select state = 'running' and not metadata ? 'progress' from river.river_job where id = $1", id)
	work.Progress(t.Context(), 1, "outside of any job it does nothing")
}

// TestProgressOfABriefJob is not written at all: it would cost more than the job.
func TestProgressOfABriefJob(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		work.Progress(ctx, 50, "half")
		if job.Args.N == 1 {
			return nil
		}
		return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
	})
	for n := range 20 {
		enqueue(t, pool, n%2)
	}
	const brief = "from river.river_job j join work.attempt a on a.job_id = j.id where a.ended_at - a.started_at < interval '0.2 s'"
	until(t, pool, "all are noted", "select count(*) = 20 from work.attempt")
	holds(t, pool, "some were brief", "select count(*) > 0 "+brief) // a busy machine may make many long
	holds(t, pool, "none of these has progress", "select count(*) = 0 "+brief+" and j.metadata ? 'progress'")
}

// TestProgressOfTheNextAttempt: what an attempt said is not taken for what the next one does.
func TestProgressOfTheNextAttempt(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	begun, end := make(chan struct{}), make(chan struct{})
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		if job.Attempt == 1 {
			work.Progress(ctx, 50, "half")
			<-end
			return errors.New("it broke")
		}
		close(begun)
		<-end
		work.Progress(ctx, 100, "all")
		return nil
	})
	id := enqueue(t, pool, 1)
	until(t, pool, "the first says something", "select progress = 50 and progress_note = 'half' from jobs.job where id = $1", id)
	end <- struct{}{}
	<-begun
	holds(t, pool, "the second has said nothing", "select state = 'running' and progress is null and progress_note is null from jobs.job where id = $1", id)
	close(end)
	until(t, pool, "the last word is the second's", "select state = 'completed' and progress = 100 and progress_note = 'all' from jobs.job where id = $1", id)
}
