package bulk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/surface"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work/record"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// anna is who acts in these tests.
var anna = surface.By{Who: "anna@example.com", Reason: "a test"}

// populated returns a database with n jobs, as many in each of the eight states, with ids from 1.
func populated(t *testing.T, n int) *pgxpool.Pool {
	t.Helper()
	pool := testdb.New(t)
	do(t, pool, fmt.Sprintf(`insert into river.river_job (kind, queue, args, state, attempt, max_attempts, attempted_at, attempted_by, scheduled_at, finalized_at)
		select 'send', 'mail', '{"password": "x"}', (array['available', 'running', 'scheduled', 'retryable', 'pending', 'completed', 'cancelled', 'discarded'])[1 + i %% 8]::river.river_job_state,
			1, 3, now(), '{w1}', now() + interval '1 h' * (i %% 8), case when i %% 8 >= 5 then now() end
		from generate_series(0, %d) i`, n-1))
	return pool
}

func runner() *Runner { return NewRunner("test", slog.New(slog.DiscardHandler)) }

func do(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// ask returns the row of a query as text.
func ask(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (text string) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "select concat_ws(' ', variadic array(select value from json_each_text(to_json(q)))) from ("+sql+") q", args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return text
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// started previews and starts an act.
func started(t *testing.T, pool *pgxpool.Pool, act, line string) int64 {
	t.Helper()
	p, err := Preview(t.Context(), pool, act, line)
	if err != nil {
		t.Fatal(err)
	}
	id, err := p.Start(t.Context(), pool, anna)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// turn lets a runner work until the act is done or stops.
func turn(t *testing.T, r *Runner, pool *pgxpool.Pool) {
	t.Helper()
	if worked, err := r.turn(t.Context(), pool); !worked || err != nil {
		t.Fatalf("worked: %t, %v", worked, err)
	}
}

// begun claims the act and works on its first chunk.
func begun(t *testing.T, r *Runner, pool *pgxpool.Pool) *task {
	t.Helper()
	k, err := r.claim(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	if err = errors.Join(k.read(), r.count(t.Context(), pool, k)); err != nil {
		t.Fatal(err)
	}
	if more, err := r.chunk(t.Context(), pool, k); !more || err != nil {
		t.Fatalf("more: %t, %v", more, err)
	}
	return k
}

const progress = "select state, matches, done, changed, unchanged, codes, round(share::numeric, 2) from jobs.bulk where id = $1"

// once says how many jobs were changed, and how often the one that was changed most often was.
const once = "select count(*), max(n) from (select count(*) as n from work.undo u join work.audit a on a.id = u.audit_id where a.bulk_id = $1 group by u.job_id) j"

const states = "select string_agg(state || ':' || n, ' ' order by state) from (select state, count(*) as n from jobs.job group by 1) s"

// TestAct: an act changes all jobs that match and that it may change, and no job enqueued after the preview, while every queue is
// paused. It records who acted and why, and shows what was left. Its undo restores every job within ten minutes, and can be undone.
func TestAct(t *testing.T) {
	t.Parallel()
	pool := populated(t, 5000)
	do(t, pool, "insert into river.river_queue (name, metadata, updated_at) values ('mail', '{}', now()); select jobs.pause('*')")
	p, err := Preview(t.Context(), pool, "cancel", "kind:send")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "preview", fmt.Sprint(p.HighestID, p.Matches, p.More, len(p.Samples), p.Judged, p.Left), "5000 3125 false 10 2000 []")
	p, err = Preview(t.Context(), pool, "run-now", "kind:send state:running,scheduled,discarded")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "preview", fmt.Sprint(p.HighestID, p.Matches, p.More, len(p.Samples), p.Judged), "5000 1875 false 10 1875")
	want(t, "left", fmt.Sprint(p.Left), "[{finished 625 8 Job 8 is discarded: jobs.retry runs it again.} {running 625 2 Job 2 is running already.}]")
	if s := p.Samples[0]; s.ID != 2 || s.State != "running" || strings.Contains(string(s.Args), "x") || p.Samples[9].ID != 5000 {
		t.Errorf("samples: %+v", p.Samples)
	}
	id, err := p.Start(t.Context(), pool, anna)
	if err != nil {
		t.Fatal(err)
	}
	do(t, pool, "insert into river.river_job (kind, queue, args, state, max_attempts, scheduled_at) values ('send', 'mail', '{}', 'scheduled', 3, now() + interval '1 h')")
	before := ask(t, pool, states)
	want(t, "waiting", ask(t, pool, progress, id), `waiting 0 0 0 {} 0.00`)
	turn(t, runner(), pool)
	want(t, "done", ask(t, pool, progress, id), `done 1875 1875 625 1250 {"running": 625, "finished": 625} 1.00`)
	want(t, "the later job", ask(t, pool, "select state from jobs.job where id = 5001"), "scheduled")
	want(t, "audit", ask(t, pool, "select count(*), sum(jobs), min(who), min(reason), min(act) from jobs.audit where bulk_id = $1 and jobs > 0", id), "2 625 anna@example.com a test run_now")
	want(t, "its own entry", ask(t, pool, "select who, reason, after from jobs.audit where bulk_id = $1 and act = 'start_bulk'", id),
		`anna@example.com a test {"act": "run_now", "search": "state:running,scheduled,discarded kind:send", "expected": 1875, "highest_id": 5000}`)
	if worked, err := runner().turn(t.Context(), pool); worked || err != nil {
		t.Errorf("a done act is worked on: %v", err)
	}

	undo, err := Undo(t.Context(), pool, id, anna)
	if err != nil {
		t.Fatal(err)
	}
	refuses(t, "55000", func() error { _, err := Undo(t.Context(), pool, id, anna); return err })
	do(t, pool, "update river.river_job set attempt = attempt + 1 where id = 3")
	turn(t, runner(), pool)
	want(t, "undone", ask(t, pool, progress, undo), `done 625 625 624 1 {"changed": 1} 1.00`)
	want(t, "linked", ask(t, pool, "select undone_by = $2 as undone, undo_until > now() + interval '9 min' as again from jobs.bulk where id = $1", id, undo), "true true")
	do(t, pool, "update river.river_job set state = 'scheduled' where id = 3")
	want(t, "restored", ask(t, pool, states), before)
	if _, err := Undo(t.Context(), pool, undo, anna); err != nil {
		t.Fatal(err)
	}
	turn(t, runner(), pool)
	want(t, "the undo is undone", ask(t, pool, "select count(*) from jobs.job where state = 'available'"), "1249")
}

// refuses checks the SQLSTATE with which the database refuses something.
func refuses(t *testing.T, code string, fn func() error) {
	t.Helper()
	if pgErr, ok := errors.AsType[*pgconn.PgError](fn()); !ok || pgErr.Code != code {
		t.Errorf("got %v, want SQLSTATE %s", pgErr, code)
	}
}

// TestCancel: once an act is cancelled, it changes no further job. What it has changed can be undone.
func TestCancel(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 20_000), runner()
	id := started(t, pool, "retry", "state:discarded")
	k := begun(t, r, pool)
	want(t, "running", ask(t, pool, "select state, process = $2 as process, undo_until is null as unfinished from jobs.bulk where id = $1", id, r.by), "running true true")
	refuses(t, "55000", func() error { _, err := Undo(t.Context(), pool, id, anna); return err })
	if err := Cancel(t.Context(), pool, id, surface.By{Who: "ben", Reason: "too many"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.chunk(t.Context(), pool, k); !errors.Is(err, errLost) {
		t.Errorf("after the cancellation: %v", err)
	}
	want(t, "cancelled", ask(t, pool, progress, id), `cancelled 2500 1000 1000 0 {} 0.40`)
	want(t, "audit", ask(t, pool, "select who, reason, before from jobs.audit where bulk_id = $1 and act = 'cancel_bulk'", id), `ben too many {"done": 1000, "state": "running"}`)
	refuses(t, "55000", func() error { return Cancel(t.Context(), pool, id, anna) })
	if _, err := Undo(t.Context(), pool, id, anna); err != nil {
		t.Fatal(err)
	}
	turn(t, r, pool)
	want(t, "restored", ask(t, pool, "select count(*) from jobs.job where state = 'discarded'"), "2500")
}

// TestKilled: a process that dies in the middle of a chunk leaves none of that chunk behind, and one that vanishes between two
// chunks keeps the act only until its lease ends. The next process goes on after the last chunk and changes no job twice.
func TestKilled(t *testing.T) {
	t.Parallel()
	pool, first, second := populated(t, 20_000), runner(), runner()
	id := started(t, pool, "retry", "state:discarded")
	k := begun(t, first, pool)

	// The second chunk waits for this row.
	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "select from river.river_job where id = (select id from river.river_job where state = 'discarded' and id > 8000 order by id limit 1) for update"); err != nil {
		t.Fatal(err)
	}
	cut := make(chan error, 1)
	go func() {
		_, err := first.chunk(t.Context(), pool, k)
		cut <- err
	}()
	for killed := "0"; killed == "0"; {
		killed = ask(t, pool, "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
	}
	if err := <-cut; err == nil {
		t.Fatal("the chunk survived its connection")
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, "after the cut", ask(t, pool, progress, id), `running 2500 1000 1000 0 {} 0.40`)

	if worked, err := second.turn(t.Context(), pool); worked || err != nil {
		t.Errorf("the lease did not hold: %v", err)
	}
	do(t, pool, "update work.bulk set lease_until = now() - interval '1 s'")
	turn(t, second, pool)
	if _, err := first.chunk(t.Context(), pool, k); !errors.Is(err, errLost) {
		t.Errorf("the first process went on: %v", err)
	}
	want(t, "taken over", ask(t, pool, progress, id), `done 2500 2500 2500 0 {} 1.00`)
	want(t, "each once", ask(t, pool, once, id), "2500 1")
}

// TestSlowCount: while a process counts, which may take a minute, no other takes the act from it.
func TestSlowCount(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 80), runner()
	id := started(t, pool, "retry", "state:discarded")
	k, err := r.claim(t.Context(), pool)
	if err = errors.Join(err, k.read(), r.renew(t.Context(), pool, k)); err != nil {
		t.Fatal(err)
	}
	want(t, "lease", ask(t, pool, "select lease_until > now() + $2 * interval '1 s' as long from work.bulk where id = $1", id, stepTimeout.Seconds()), "true")
}

// TestStop: a stopping process ends its chunk, and gives up the lease at once.
func TestStop(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 20_000), runner()
	id := started(t, pool, "retry", "state:discarded")
	k := begun(t, r, pool)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := r.work(ctx, pool, k); err != nil {
		t.Fatal(err)
	}
	want(t, "given up", ask(t, pool, "select done, lease_until is null as free, failures from work.bulk where id = $1", id), "1000 true 0")
}

// TestTwoRunners: of two processes at once, each chunk is done by one.
func TestTwoRunners(t *testing.T) {
	t.Parallel()
	pool := populated(t, 24_000)
	ids := []int64{started(t, pool, "retry", "state:discarded"), started(t, pool, "discard", "state:scheduled,retryable")}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	for range 2 {
		go func() {
			runner().Run(ctx, pool)
			ended <- struct{}{}
		}()
	}
	for ask(t, pool, "select count(*) from jobs.bulk where finished_at is null") != "0" {
	}
	stop()
	<-ended
	<-ended
	want(t, "retried", ask(t, pool, once, ids[0])+", "+ask(t, pool, progress, ids[0]), `3000 1, done 3000 3000 3000 0 {} 1.00`)
	want(t, "discarded", ask(t, pool, once, ids[1])+", "+ask(t, pool, progress, ids[1]), `6000 1, done 6000 6000 6000 0 {} 1.00`)
}

// TestLocked: jobs that another transaction has locked are left, and counted as locked.
func TestLocked(t *testing.T) {
	t.Parallel()
	pool := populated(t, 80)
	id := started(t, pool, "delete", "state:discarded")
	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "select from river.river_job where id in (8, 16) for update"); err != nil {
		t.Fatal(err)
	}
	turn(t, runner(), pool)
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, "left", ask(t, pool, progress, id), `done 10 10 8 2 {"locked": 2} 1.00`)
	refuses(t, "55000", func() error { _, err := Undo(t.Context(), pool, id, anna); return err }) // a deletion
	want(t, "nothing to undo with", ask(t, pool, "select undo_until is null as none, (select count(*) from work.undo) from jobs.bulk where id = $1", id), "true 0")
}

// TestGrown: an act whose matches have grown by a tenth changes nothing more until that number is confirmed. Fewer, as after a
// deletion, and a little more are no reason to ask.
func TestGrown(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 800), runner()
	id := started(t, pool, "discard", "state:retryable")
	do(t, pool, "update river.river_job set state = 'retryable', finalized_at = null where state = 'completed' and id <= 80")
	turn(t, r, pool)
	want(t, "grown", ask(t, pool, progress, id), `grown 110 0 0 0 {} 0.00`)
	if worked, err := r.turn(t.Context(), pool); worked || err != nil {
		t.Errorf("it was worked on without a confirmation: %v", err)
	}
	refuses(t, "55000", func() error { return Confirm(t.Context(), pool, id, 100, anna) })
	if err := Confirm(t.Context(), pool, id, 110, anna); err != nil {
		t.Fatal(err)
	}
	refuses(t, "55000", func() error { return Confirm(t.Context(), pool, id, 110, anna) })
	turn(t, r, pool)
	want(t, "confirmed", ask(t, pool, progress, id), `done 110 110 110 0 {} 1.00`)

	id = started(t, pool, "retry", "state:cancelled")
	do(t, pool, "update river.river_job set state = 'cancelled' where state = 'completed' and id > 80 and id <= 80 + 72")
	turn(t, r, pool)
	want(t, "nine more", ask(t, pool, progress, id), `done 109 109 109 0 {} 1.00`)

	id = started(t, pool, "delete", "state:pending")
	do(t, pool, "delete from river.river_job where state = 'pending' and id < 400")
	turn(t, r, pool)
	want(t, "deleted meanwhile", ask(t, pool, progress, id), `done 50 50 50 0 {} 1.00`)
}

// TestGrownInTheMiddle: matches that appear while the act runs are no more than a tenth, or it asks.
func TestGrownInTheMiddle(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 10_400), runner()
	id := started(t, pool, "discard", "state:retryable")
	k := begun(t, r, pool)
	do(t, pool, "update river.river_job set state = 'retryable', finalized_at = null where state = 'completed'")
	if err := r.work(t.Context(), pool, k); !errors.Is(err, errGrown) {
		t.Fatalf("it went on: %v", err)
	}
	if err := r.ask(t.Context(), pool, k); err != nil {
		t.Fatal(err)
	}
	want(t, "grown", ask(t, pool, "select state, done, matches > 1430 as more from jobs.bulk where id = $1", id), "grown 1000 true")
}

// TestUnanswered: an act that is not confirmed is cancelled after a day, can then be undone for ten minutes, and leaves nothing behind.
func TestUnanswered(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 10_400), runner()
	id := started(t, pool, "discard", "state:retryable")
	k := begun(t, r, pool)
	do(t, pool, "update river.river_job set state = 'retryable', finalized_at = null where state = 'completed'")
	if err := r.work(t.Context(), pool, k); !errors.Is(err, errGrown) {
		t.Fatalf("it went on: %v", err)
	}
	if err := errors.Join(r.ask(t.Context(), pool, k), record.Tidy(t.Context(), pool)); err != nil {
		t.Fatal(err)
	}
	want(t, "waits", ask(t, pool, "select state, (select count(*) from work.undo) from jobs.bulk where id = $1", id), "grown 1000")
	do(t, pool, "update work.bulk set lease_until = lease_until - interval '1 day'")
	if err := record.Tidy(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	want(t, "cancelled", ask(t, pool, "select state, undo_until > now() + interval '9 min' as undoable, (select count(*) from work.undo) from jobs.bulk where id = $1", id), "cancelled true 1000")
	want(t, "audit", ask(t, pool, "select reason, before from jobs.audit where bulk_id = $1 and act = 'cancel_bulk'", id), `not confirmed within a day {"done": 1000, "state": "grown"}`)
	do(t, pool, "update work.bulk set undo_until = now() - interval '1 s'")
	if err := record.Tidy(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	want(t, "cleaned", ask(t, pool, "select count(*) from work.undo"), "0")
}

// TestUndoTime: an act can be undone for ten minutes after its end, however long it ran, and what is needed for it is kept until
// then.
func TestUndoTime(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 16_000), runner()
	id := started(t, pool, "retry", "state:discarded")
	k := begun(t, r, pool)
	do(t, pool, "update work.audit set at = at - interval '1 day'; update work.bulk set created_at = created_at - interval '1 day'")
	if err := errors.Join(record.Tidy(t.Context(), pool), r.work(t.Context(), pool, k)); err != nil {
		t.Fatal(err)
	}
	want(t, "kept", ask(t, pool, "select count(*), (select count(*) from jobs.undoable(array(select id from work.audit where jobs > 0)) where code is null) as undoable from work.undo"), "2000 2")
	want(t, "audit", ask(t, pool, "select bool_and(undo_until between now() + interval '9 min' and now() + interval '10 min') from jobs.audit where jobs > 0"), "true")
	do(t, pool, "update work.bulk set undo_until = now() - interval '1 s'")
	refuses(t, "55000", func() error { _, err := Undo(t.Context(), pool, id, anna); return err })
	want(t, "expired", ask(t, pool, "select string_agg(code, ' ') from jobs.may_undo(array(select id from work.audit where jobs > 0))"), "expired expired")
	if err := record.Tidy(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	want(t, "cleaned", ask(t, pool, "select count(*) from work.undo"), "0")
}

// TestHostile: a line that cannot be read, or selects everything, is refused at the preview and at the start. Written to the
// table by SQL, it fails the act with a sentence.
func TestHostile(t *testing.T) {
	t.Parallel()
	pool := populated(t, 80)
	for _, line := range []string{
		"", "   ", "stat:discarded", "state:discarded' or 1=1 --", `kind:"send`, "state:nonsense", "kind:\x00", "kind:\xff", "state:discarded " + strings.Repeat("x", 20_000),
	} {
		if _, err := Preview(t.Context(), pool, "retry", line); err == nil {
			t.Errorf("%.40q was previewed", line)
		}
		if _, err := (Plan{Act: "retry", Search: line, HighestID: 80}).Start(t.Context(), pool, anna); err == nil {
			t.Errorf("%.40q was started", line)
		}
	}
	for _, act := range []string{"", "undo", "pause", "drop"} {
		if _, err := Preview(t.Context(), pool, act, "state:discarded"); err == nil {
			t.Errorf("%q was previewed", act)
		}
	}
	for _, call := range []string{
		"'undo', 'kind:send', 1, 1", "null, 'kind:send', 1, 1", "'retry', ' ', 1, 1", "'retry', null, 1, 1", "'retry', 'kind:send', -1, 1", "'retry', 'kind:send', null, 1",
		"'retry', 'kind:send', 1, -1", "'retry', 'kind:send', 1, 1, until => now() + interval '1 h'", "'snooze', 'kind:send', 1, 1", "'snooze', 'kind:send', 1, 1, until => now()",
		"'retry', repeat('x', 2049), 1, 1",
	} {
		refuses(t, "22023", func() error { _, err := pool.Exec(t.Context(), "select jobs.start_bulk("+call+")"); return err })
	}
	for _, name := range []string{"cancel_bulk(99)", "undo_bulk(null)", "confirm_bulk(99, 1)"} {
		refuses(t, "P0002", func() error { _, err := pool.Exec(t.Context(), "select jobs."+name); return err })
	}
	before := ask(t, pool, states)
	do(t, pool, `select jobs.start_bulk('retry', $$state:discarded'; drop table work.bulk; --$$, 80, 10)`)
	if worked, err := runner().turn(t.Context(), pool); !worked || err != nil {
		t.Fatal(worked, err)
	}
	want(t, "failed", ask(t, pool, "select state, done, error <> '' as told, undo_until is null as final from jobs.bulk"), "failed 0 true true")
	want(t, "untouched", ask(t, pool, states), before)
}

// TestRelativeTime: a time before now is fixed by the preview and, where an act was started by SQL, by its start.
func TestRelativeTime(t *testing.T) {
	t.Parallel()
	pool := populated(t, 80)
	p, err := Preview(t.Context(), pool, "retry", "state:discarded since:2h")
	if err != nil || p.Matches != 10 || strings.Contains(p.Search, "since:2h") || !strings.Contains(p.Search, "since:") {
		t.Errorf("%+v, %v", p, err)
	}
	do(t, pool, "select jobs.start_bulk('retry', 'state:discarded since:2h', 80, 10); update work.bulk set created_at = now() - interval '3 h'; update river.river_job set finalized_at = now() - interval '4 h' where state = 'discarded'")
	turn(t, runner(), pool)
	want(t, "done", ask(t, pool, "select state, changed from jobs.bulk"), "done 10")
}

// TestSnooze: a snooze has its time. If that has passed before the act begins, the act fails with a sentence.
func TestSnooze(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 80), runner()
	p, err := Preview(t.Context(), pool, "snooze", "state:scheduled")
	if err != nil {
		t.Fatal(err)
	}
	by := anna
	by.Until = "2999-12-24 18:00Z"
	for range 2 {
		if _, err := p.Start(t.Context(), pool, by); err != nil {
			t.Fatal(err)
		}
	}
	turn(t, r, pool)
	want(t, "snoozed", ask(t, pool, "select count(*) from jobs.job where scheduled_at = '2999-12-24 18:00Z'"), "10")
	do(t, pool, "update work.bulk set until = now() - interval '1 s' where state = 'waiting'")
	turn(t, r, pool)
	want(t, "too late", ask(t, pool, "select state, changed, error like 'until must be in the future%' as told from jobs.bulk order by id desc limit 1"), "failed 0 true")
}

// TestFailures: a chunk that fails is retried later and later, and at last fails the act.
func TestFailures(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 80), runner()
	id := started(t, pool, "retry", "state:discarded")
	do(t, pool, `create function fail() returns trigger language plpgsql as $$ begin raise exception 'a trigger refuses' using errcode = 'P0001'; end $$;
		create trigger fail before update on river.river_job for each row execute function fail()`)
	for n := range mostFailures {
		want(t, "unfinished", ask(t, pool, "select state, failures, coalesce(lease_until > now(), false) from work.bulk where id = $1", id),
			fmt.Sprintf("%s %d %t", map[bool]string{true: "waiting", false: "running"}[n == 0], n, n > 0))
		do(t, pool, "update work.bulk set lease_until = null")
		if worked, err := r.turn(t.Context(), pool); !worked || (err == nil) != (n == mostFailures-1) {
			t.Fatalf("try %d: worked: %t, %v", n+1, worked, err)
		}
	}
	want(t, "failed", ask(t, pool, "select state, error from jobs.bulk where id = $1", id), "failed a trigger refuses")
}

// TestIdle: an idle runner asks nothing until it is woken.
func TestIdle(t *testing.T) {
	t.Parallel()
	pool, r := populated(t, 80), runner()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx, pool)
	}()
	r.Wake()
	r.Wake()
	id := started(t, pool, "retry", "state:discarded")
	for ask(t, pool, "select state from jobs.bulk where id = $1", id) != "done" {
		r.Wake()
	}
	stop()
	<-ended
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections are held", n)
	}
}
