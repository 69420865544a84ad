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
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestProgress: progress is stored and announced while the job runs, about once a second however often it is reported, and the
// last report stays however the attempt ends.
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
			began := time.Now()
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
			if took := time.Since(began); len(told) > 1+int(took/time.Second) { // a busy machine takes longer to report them all
				t.Errorf("%d notices within %s", len(told), took)
			}
			var got struct {
				JobID    int64 `json:"job_id"`
				Percent  float64
				Sentence string
			}
			if err := json.Unmarshal([]byte(told[len(told)-1]), &got); err != nil || got.JobID != id || got.Percent != 99.9 || got.Sentence != "step 999 for (address)" {
				t.Errorf("the notice was %+v, %v", got, err)
			}
			holds(t, pool, "the row has it too", `select state = 'running' and (metadata -> 'progress' ->> 'percent')::float8 = 99.9
				and (metadata -> 'progress' ->> 'at')::timestamptz between attempted_at and now() from river.river_job where id = $1`, id)
			close(seen)
			until(t, pool, "the last stays", `select metadata -> 'progress' ->> 'percent' = '100' and metadata -> 'progress' ->> 'sentence' like 'the last stepé%'
				and (state::text = $2 or attempt = 2) from river.river_job where id = $1`, id, c.state)
		})
	}
}

// writes reports each time that a worker has tried to write a job's progress.
type writes struct{ tried chan struct{} }

type writeKey struct{}

func (w writes) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	writes := false
	if len(data.Args) == 1 {
		args, named := data.Args[0].(pgx.NamedArgs)
		writes = named && args["channel"] == work.ProgressChannel
	}
	return context.WithValue(ctx, writeKey{}, writes)
}

func (w writes) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if ctx.Value(writeKey{}) == true {
		w.tried <- struct{}{}
	}
}

// observed returns a pool on the same database as pool, for a worker whose writes of progress the test observes.
func observed(t *testing.T, pool *pgxpool.Pool) (*pgxpool.Pool, writes) {
	t.Helper()
	w, cfg := writes{make(chan struct{}, 1000)}, pool.Config()
	cfg.ConnConfig.Tracer = w
	own, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(own.Close)
	return own, w
}

// TestProgressOfALockedJob: a job that reports while its own transaction has its row locked neither waits nor loses the report.
func TestProgressOfALockedJob(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	own, writes := observed(t, pool)
	end := make(chan struct{})
	running(t, own, func(ctx context.Context, job *stepJob) error {
		err := work.Hold(ctx, pool, job, func(pgx.Tx) error {
			work.Progress(ctx, 50, "half")
			<-writes.tried // and the row was locked
			return nil
		})
		<-end
		return err
	})
	id := enqueue(t, pool, 1)
	until(t, pool, "it is written after the transaction", "select state = 'running' and metadata -> 'progress' ->> 'sentence' = 'half' from river.river_job where id = $1", id)
	close(end)
}

// TestProgressOfALateAttempt: a late attempt's progress is not written into the job of another attempt.
func TestProgressOfALateAttempt(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	own, writes := observed(t, pool)
	begun, given := make(chan struct{}), make(chan struct{})
	_, stop := worktest.Start(t, own, options(t, func(ctx context.Context, _ *stepJob) error {
		close(begun)
		<-given
		work.Progress(ctx, 50, "half")
		<-writes.tried
		return nil
	}))
	id := enqueue(t, pool, 1)
	<-begun
	execute(t, pool, "update river.river_job set attempt = attempt + 1, attempted_by = array_append(attempted_by, 'someone else') where id = $1", id)
	close(given)
	stop() // writes every outcome first
	holds(t, pool, "nothing was written", "select state = 'running' and not metadata ? 'progress' from river.river_job where id = $1", id)
	work.Progress(t.Context(), 1, "outside of any job it does nothing")
}

// TestProgressOfABriefJob: a brief job's progress is not written, since that would cost more than the job.
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
	const brief = "from river.river_job j join work.attempt a on a.job_id = j.id where a.ended_at - a.started_at < interval '0.2 s'"
	for began, jobs := time.Now(), 20; ; jobs += 20 {
		for n := range 20 {
			enqueue(t, pool, n%2)
		}
		until(t, pool, "all are noted", "select count(*) = $1 from work.attempt", jobs)
		if count(t, pool, "select count(*) "+brief) > 0 {
			break
		}
		if time.Since(began) > time.Minute { // a busy machine may make many long
			t.Fatal("none was brief")
		}
	}
	holds(t, pool, "no brief one has progress", "select count(*) = 0 "+brief+" and j.metadata ? 'progress'")
}

// TestProgressOfTheNextAttempt: the progress of one attempt is not shown as that of the next.
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
