package bulk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/surface"
	"github.com/backlist/backlist/internal/work/record"
)

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
