package bulk

import (
	"errors"
	"testing"

	"github.com/backlist/backlist/internal/work/record"
)

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
