package db_test

import (
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// TestActsMeet: an act that has waited for another act, a worker or an enqueue sees what that has changed.
func TestActsMeet(t *testing.T) {
	t.Parallel()
	const undoLast = "jobs.undo(array(select max(id) from jobs.audit where act <> 'undo'), 'why')"
	for name, c := range map[string]struct {
		seed, first, second, want string // want: each id's state and code, and the audit
	}{
		"two acts on one job": {
			first: "select jobs.cancel(1, 'first')", second: "jobs.discard('{1}'::bigint[], 'second')",
			want: "1 cancelled finished; cancel",
		},
		"the worker completes it": {
			first:  "update river.river_job set state = 'completed', finalized_at = now() where id = 2",
			second: "jobs.cancel('{2}'::bigint[], 'second')",
			want:   "2 completed finished; ",
		},
		"a worker takes it, and it is snoozed": {
			first:  "update river.river_job set state = 'running', attempt = 1, attempted_at = now() where id = 1",
			second: "jobs.snooze('{1}'::bigint[], now() + interval '1 h', 'second')",
			want:   "1 running running; ",
		},
		"undone twice": {
			seed: "select jobs.cancel('{1,9}'::bigint[])", first: "select * from " + undoLast, second: undoLast,
			want: "1 available changed, 9 available changed; cancel undo",
		},
		"undone while a worker takes it": {
			seed: "select jobs.retry(5)", first: "update river.river_job set state = 'running', attempt = attempt + 1, attempted_at = now() where id = 5", second: undoLast,
			want: "5 running changed; retry",
		},
		"undone after it ran": {
			seed:   "select jobs.retry(5); update river.river_job set state = 'completed', attempt = attempt + 1, attempted_at = now(), finalized_at = now() where id = 5",
			second: undoLast, want: "5 completed changed; retry",
		},
		"undone after it was deleted": {
			seed: "select jobs.discard('{1,9}'::bigint[]); delete from river.river_job where id = 9", second: undoLast,
			want: "1 available, 9 not_found; discard undo",
		},
		"its key was taken meanwhile": {
			seed: `update river.river_job set unique_key = 'k', unique_states = B'11110101' where id = 1; select jobs.cancel('{1,9}'::bigint[]);
				update river.river_job set unique_key = 'k', unique_states = B'11110101' where id = 7`,
			second: undoLast, want: "1 cancelled duplicate, 9 available; cancel undo",
		},
		"told to stop": {
			seed: "select jobs.cancel('{1,2}'::bigint[])", second: undoLast,
			want: "1 available, 2 running running; cancel undo",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			do(t, pool, what+";"+c.seed)
			got := make(chan string, 1)
			answer := func() {
				got <- ask(t, pool, "select coalesce(string_agg(concat_ws(' ', id, state, code), ', ' order by id), '') from "+c.second)
			}
			if c.first == "" {
				answer()
			} else {
				tx, err := pool.Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				do(t, tx, c.first)
				go answer()
				untilBlocked(t, pool)
				if err := tx.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			text := <-got + "; " + ask(t, pool, "select coalesce(string_agg(act, ' ' order by id), '') from jobs.audit")
			if text != c.want {
				t.Errorf("got %s, want %s", text, c.want)
			}
		})
	}
}

// TestActsPassLockedJobs: an act skips a job that stays locked for 2 s, with a code, and changes the others.
func TestActsPassLockedJobs(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, what+"; select * from jobs.cancel('{1,9,10}'::bigint[])")
	stranger, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(t, stranger, "select from river.river_job where id = 9 for update")
	const codes = "select string_agg(concat_ws(' ', id, state, code), ', ' order by id) from "
	if got := ask(t, pool, codes+"jobs.undo(array(select id from jobs.audit), 'why')"); got != "1 available, 9 cancelled locked, 10 available" {
		t.Error(got)
	}
	if _, err := pool.Exec(t.Context(), "select * from jobs.retry(9, 'why')"); err == nil || !strings.Contains(err.Error(), "55P03") || !strings.Contains(err.Error(), "Job 9 is locked by another transaction: try again.") {
		t.Errorf("%v", err)
	}
	if err := stranger.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, pool, codes+"jobs.undo(array(select id from jobs.audit where act = 'cancel'), 'why')"); got != "1 available changed, 9 available, 10 available changed" {
		t.Errorf("what was locked can be undone later: %s", got)
	}
}

// TestUndoMeetsAnEnqueue: undo waits 2 s for a transaction that is taking a job's unique key, and then changes nothing.
func TestUndoMeetsAnEnqueue(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, what+"; update river.river_job set unique_key = sha256('&kind=count&queue=default'), unique_states = B'11110101' where id = 7; select jobs.cancel(7)")
	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(t, other, "select jobs.enqueue('count', unique_by_queue => true)")
	const undo = "select jobs.undo((select max(id) from jobs.audit), 'why')"
	if _, err := pool.Exec(t.Context(), undo); err == nil || !strings.Contains(err.Error(), "nothing was changed. Try again. (SQLSTATE 55P03)") {
		t.Errorf("while it is taken: %v", err)
	}
	if err := other.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	do(t, pool, undo)
	if got := ask(t, pool, "select state from jobs.job where id = 7"); got != "scheduled" {
		t.Error(got)
	}
}

// TestManyActsOneEntry: an act on many jobs is one entry of the audit, with their number, and is in each job's history.
func TestManyActsOneEntry(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	for _, c := range []struct{ act, want string }{
		{"jobs.cancel('{1,2,3,9,99}'::bigint[], 'why')", `cancel|3||{"kinds": {"send": 2, "sweep": 1}, "states": {"running": 1, "available": 2}}|{"states": {"running": 1, "cancelled": 2}}|t`},
		{"jobs.undo(array(select max(id) from jobs.audit), 'why')", `undo|2||{"kinds": {"send": 1, "sweep": 1}, "states": {"cancelled": 2}}|{"states": {"available": 2}}|t`},
		{"jobs.delete('{4,5}'::bigint[], 'why')", `delete|2|default|{"kinds": {"count": 2}, "states": {"discarded": 1, "retryable": 1}}||f`},
		{"jobs.delete('{4,5}'::bigint[], 'nothing to do')", `delete|2|default|{"kinds": {"count": 2}, "states": {"discarded": 1, "retryable": 1}}||f`},
	} {
		do(t, tx, "select * from "+c.act)
		got := ask(t, tx, "select concat_ws('|', act, jobs, coalesce(queue, ''), before, coalesce(after::text, ''), undo_until = at + interval '10 minutes' is true) from jobs.audit where job_id is null order by id desc limit 1")
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.act, got, c.want)
		}
	}
	do(t, tx, "select * from jobs.run_now(7)")
	if got := ask(t, tx, "select string_agg(concat_ws(' ', h.job, a.act, a.jobs), ', ' order by h.job, a.id) from unnest('{1,4,7}'::bigint[]) h (job), jobs.audit_of(h.job) a"); got != "1 cancel 3, 1 undo 2, 4 delete 2, 7 run_now 1" {
		t.Error(got)
	}
	if got := ask(t, tx, "select (u.undoes = c.id)::text from jobs.audit u, jobs.audit c where u.act = 'undo' and c.act = 'cancel'"); got != "true" {
		t.Error("an undo does not name the entry that it takes back")
	}
}

// TestActsKeepNoSecrets: neither the audit nor the data for undo contains a job's arguments.
func TestActsKeepNoSecrets(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	do(t, tx, `insert into river.river_job (id, kind, queue, state, max_attempts, args, metadata) values
		(50, 'count', 'default', 'available', 5, '{"api_key": "hushhush", "a": 1}', '{"token": "hushhush"}');
		select jobs.cancel(50); select jobs.undo(max(id)) from jobs.audit; select jobs.snooze('{50,1}'::bigint[], now() + interval '1 h'); select jobs.copy(50, '{"token": "hushhush"}', 'why');
		select jobs.delete(50)`)
	got := ask(t, tx, "select string_agg(a::text, E'\n') || (select string_agg(u::text, E'\n') from work.undo u) from work.audit a")
	if strings.Contains(got, "hush") || !strings.Contains(got, `""changed"": [""token""], ""copy_of"": 50`) {
		t.Error(got)
	}
}
