package work_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// outcomes waits for a job's attempts to be written and compares their outcomes, in the order of their start.
func outcomes(t *testing.T, pool *pgxpool.Pool, id int64, want ...string) {
	t.Helper()
	until(t, pool, "its attempts are written", "select count(*) >= $2 from work.attempt where job_id = $1", id, len(want))
	rows, _ := pool.Query(t.Context(), "select outcome from work.attempt where job_id = $1 order by started_at", id)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("job %d: %v, want %v", id, got, want)
	}
}

// TestOutcomes: an attempt leaves one row with its outcome, however it ends, and its minute counts it.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	var mu sync.Mutex
	ran := map[int]int{}
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		mu.Lock()
		ran[job.Args.N]++
		first := ran[job.Args.N] == 1
		mu.Unlock()
		if !first {
			return nil
		}
		switch job.Args.N {
		case 1:
			return errors.New("book 17 is missing")
		case 2:
			panic("no book for \x00 odo@example.org")
		case 3:
			return river.JobSnooze(0)
		case 4:
			return work.Permanent(errors.New("never"))
		case 5:
			_ = work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
			return errors.New("after its effects were committed")
		case 6:
			return errors.New("the last \xff of its attempts")
		case 7:
			<-ctx.Done() // cancelled by an operator
			return ctx.Err()
		case 8:
			_, _ = pool.Exec(ctx, "update river.river_job set attempt = attempt + 1 where id = $1", job.ID)
			return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
		}
		return nil
	})
	want := map[int][]string{
		0: {"completed"}, 1: {"failed", "completed"}, 2: {"failed", "completed"}, 3: {"snoozed", "completed"}, 4: {"cancelled"},
		5: {"completed"}, 6: {"discarded"}, 7: {"cancelled"}, 8: {"lost"},
	}
	jobs, ids := inserter(t, pool), map[int]int64{}
	for n := range want {
		opts := &river.InsertOpts{}
		if n == 6 {
			opts.MaxAttempts = 1
		}
		res, err := jobs.Insert(work.WithOrigin(t.Context(), work.Origin{RequestID: "req-12345678"}), stepArgs{N: n}, opts)
		if err != nil {
			t.Fatal(err)
		}
		ids[n] = res.Job.ID
	}
	until(t, pool, "7 runs", "select state = 'running' from river.river_job where id = $1", ids[7])
	if _, err := jobs.JobCancel(t.Context(), ids[7]); err != nil {
		t.Fatal(err)
	}
	for n, w := range want {
		outcomes(t, pool, ids[n], w...)
	}
	for what, sql := range map[string]string{
		"times, worker, release and request": `select bool_and(due_at <= started_at and started_at <= ended_at and kind = 'test_step' and queue = 'default'
			and worker like 'worker.1-%' and release = 'v7' and request_id = 'req-12345678' and parent_id is null) from work.attempt`,
		"started_at is the job's own": `select bool_and(a.started_at = j.attempted_at and a.attempt = j.attempt)
			from work.attempt a join river.river_job j on j.id = a.job_id where outcome in ('discarded', 'cancelled')`,
		"errors only of failures": "select bool_and((error is null) = (outcome in ('completed', 'snoozed'))) from work.attempt",
		"fingerprints of those that are ours": `select bool_and((fingerprint is null) = (outcome in ('completed', 'snoozed', 'lost') or job_id = ` +
			"(select id from river.river_job where (args ->> 'n')::int = 7))) from work.attempt",
		"a panic with its stack, storable and without addresses": `select error = e'panic: no book for \ufffd (address)' and trace like '%attempt_test.go%'
			and trace not like '%runtime/debug%' from work.attempt where trace is not null`,
		"River keeps no address of a panic either": "select bool_or(e ->> 'error' like 'no book for % (address)') and not bool_or(e::text like '%odo@%') from river.river_job, unnest(errors) e",
		"text that is not UTF-8":                   "select exists (select from work.attempt where error = e'the last \ufffd of its attempts')",
		"an error in the inbox": `select exists (select from work.error e join work.error_hour h using (fingerprint)
			where message = 'book 17 is missing' and attempts = 1 and first_release = 'v7' and h.kind = 'test_step')`,
		"all in their minutes": `select sum(completed) = 5 and sum(failed) = 2 and sum(discarded) = 1 and sum(cancelled) = 2 and sum(snoozed) = 1
			and sum(handed_back) = 1 and (select sum(x) from unnest(work.sum(wait)) x) = 12
			and (select sum(x) from unnest(work.sum(run)) x) = 12 from work.minutes`,
		"the release's mark": "select exists (select from work.release where name = 'v7')",
	} {
		until(t, pool, what, sql)
	}
}

// TestHandedBack: a job that a stop hands back, one that ignores the stop, and the next attempt of each leave one row each.
func TestHandedBack(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	begun, ended := make(chan struct{}, 2), make(chan struct{})
	o := options(t, func(ctx context.Context, job *stepJob) error {
		begun <- struct{}{}
		if job.Args.N == 1 {
			<-ended
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	})
	o.Grace = 50 * time.Millisecond
	_, stop := worktest.Start(t, pool, o)
	deaf, good := enqueue(t, pool, 1), enqueue(t, pool, 2)
	<-begun
	<-begun
	awaitServerStart(t, pool)
	stop()
	close(ended)
	outcomes(t, pool, good, "handed back") // already written by the worker, which has ended
	outcomes(t, pool, deaf, "handed back")
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	outcomes(t, pool, good, "handed back", "completed")
	outcomes(t, pool, deaf, "handed back", "completed")
	if n := count(t, pool, "select count(*) from work.error"); n != 0 {
		t.Errorf("%d errors; a hand-back is not an error", n)
	}
}

// TestHeldAttempt: a job whose arguments cannot be read is held.
func TestHeldAttempt(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	var id int64
	err := pool.QueryRow(t.Context(), `insert into river.river_job (kind, args, max_attempts, queue, metadata)
		values ('test_step', '{"n": "one"}', 25, 'default', '{"request_id": 5, "parent_id": "x"}') returning id`).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	outcomes(t, pool, id, "held")
	until(t, pool, "its error says why", "select error like 'the arguments cannot be read: %' and fingerprint is not null from work.attempt")
	until(t, pool, "its row says why", "select waiting = 'unreadable' and why_waiting = held from jobs.job")
	if _, err := pool.Exec(t.Context(), `update river.river_job set args = '{"n": 1}', state = 'available', scheduled_at = now() where state = 'scheduled'`); err != nil {
		t.Fatal(err)
	}
	outcomes(t, pool, id, "held", "completed")
	until(t, pool, "it is held no longer", "select state = 'completed' and held is null from jobs.job")
}

// TestKilledWorkersAttempt: the worker that rescues the job records the attempt.
func TestKilledWorkersAttempt(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	victim := another(t, pool)
	id := enqueue(t, pool, 1)
	until(t, pool, "the victim has the job", "select state = 'running' from river.river_job where id = $1", id)
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	awaitServerStart(t, pool)
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	outcomes(t, pool, id, "lost", "completed")
	until(t, pool, "it is the victim's", `select worker like 'worker.66-%' and release = 'v7' and attempt = 1 and queue = 'default'
		and error like '% died while it ran this job' and code = 'worker_died' and fingerprint is not null from work.attempt where outcome = 'lost'`)
}

// TestStepsOfAJob: a job's steps are stored with its attempt, with their queries counted.
func TestStepsOfAJob(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	cfg := pool.Config()
	cfg.ConnConfig.Tracer = trace.Queries{}
	traced, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer traced.Close()
	running(t, pool, func(ctx context.Context, job *stepJob) error {
		return trace.Step(ctx, "load", func(ctx context.Context) error {
			_, err := traced.Exec(ctx, "select pg_sleep(0.01)")
			return err
		})
	})
	id := enqueue(t, pool, 1)
	outcomes(t, pool, id, "completed")
	until(t, pool, "the step is there", `select jsonb_array_length(steps) = 1 and steps -> 0 ->> 'name' = 'load' and (steps -> 0 ->> 'queries')::int = 1
		and (steps -> 0 ->> 'sql_ms')::float between 10 and (steps -> 0 ->> 'ms')::float from work.attempt`)
}

// TestJobLog: a job's log is stored with it, bounded and without addresses, and goes to the process's log too; a job that
// logs nothing stores nothing.
func TestJobLog(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	var out syncText
	o := optionsOf(slog.New(slog.NewTextHandler(&out, nil)), func(ctx context.Context, job *stepJob) error {
		switch job.Args.N {
		case 1:
			work.Log(ctx).InfoContext(ctx, "half way", "to", "odo@example.org", "err", errors.New("550 <odo@example.org>"))
			return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
		case 2:
			for range 1000 {
				work.Log(ctx).InfoContext(ctx, strings.Repeat("x", 100))
			}
		}
		return nil
	})
	worktest.Start(t, pool, o)
	one, two, three := enqueue(t, pool, 1), enqueue(t, pool, 2), enqueue(t, pool, 3)
	until(t, pool, "the log is kept", `select metadata #>> '{river:log,0,log}' like '%msg="half way" to=(address) err="550 <(address)>"_' and metadata #>> '{river:log,0,attempt}' = '1'
		from river.river_job where id = $1`, one)
	until(t, pool, "it is bounded", `select length(metadata #>> '{river:log,0,log}') between 15000 and 16384
		and metadata #>> '{river:log,0,log}' like e'%\nmore was logged than is kept\n' from river.river_job where id = $1`, two)
	until(t, pool, "nothing", "select state = 'completed' and not metadata ? 'river:log' from river.river_job where id = $1", three)
	if line := `msg="half way" job_id=`; !strings.Contains(out.String(), line) {
		t.Errorf("%q is not in the process's log", line)
	}
	if strings.Contains(out.String(), "@") {
		t.Error("an address is in the process's log")
	}
	work.Log(t.Context()).Info("no job") // is discarded
}

type syncText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *syncText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *syncText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
