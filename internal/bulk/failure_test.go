package bulk

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

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
