package db_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// TestDuplicateInFlight: an act cannot see a duplicate that is not committed yet until both write the unique key. Then it judges
// again, refuses that job, and changes the others.
func TestDuplicateInFlight(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, what+"; update river.river_job set unique_key = sha256('&kind=count&queue=default'), unique_states = B'11110101' where id = 5")
	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(t, other, "select jobs.enqueue('count', unique_by_queue => true)")
	got := make(chan string, 1)
	go func() {
		got <- ask(t, pool, "select string_agg(concat_ws(' ', id, state, code), ', ' order by id) from jobs.retry('{4,5}'::bigint[], 'why')")
	}()
	untilBlocked(t, pool)
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-got; got != "4 available, 5 discarded duplicate" {
		t.Error(got)
	}
}

// TestActWaitsForTheWorker: an act on a job that a worker is fetching sees it running.
func TestActWaitsForTheWorker(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, what)
	worker, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	do(t, worker, "update river.river_job set state = 'running', attempt = 1 where id = 1")
	done := make(chan error, 1)
	go func() {
		_, err := pool.Exec(t.Context(), "select * from jobs.delete(1, 'why')")
		done <- err
	}()
	untilBlocked(t, pool)
	if err := worker.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "Job 1 is running") {
		t.Errorf("%v: a running job must not be deleted", err)
	}
}

// untilBlocked waits until a session waits for a lock in this database.
func untilBlocked(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for ask(t, pool, "select exists (select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database())::text") != "true" {
	}
}

// TestHealthNamesTheHolder: jobs.health names the session that keeps vacuum from removing rows, by an old snapshot or as an idle
// transaction that has written, and how to end it.
func TestHealthNamesTheHolder(t *testing.T) {
	t.Parallel()
	for level, does := range map[pgx.TxIsoLevel]string{
		pgx.RepeatableRead: "select pg_backend_pid()::text",
		pgx.ReadCommitted:  "insert into work.release (name) values ('v1') returning pg_backend_pid()::text",
	} {
		pool := testdb.New(t)
		tx, err := pool.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		pid := ask(t, tx, does)
		got := ask(t, pool, "select concat_ws(' ', status, pid, detail ~ 'its statement began \\d\\d:\\d\\d:\\d\\d: (select|insert)') from jobs.health where area = 'snapshot'")
		if got != "ok "+pid+" t" {
			t.Errorf("%s: got %q, want pid %s", level, got, pid)
		}
	}
}

// TestHealthComparesLike: a database's limit of connections is compared with the connections of that database, and not with those
// of the role in others.
func TestHealthComparesLike(t *testing.T) {
	t.Parallel()
	do(t, testdb.New(t), "select 1") // a connection of the role to another database
	tx, err := testdb.New(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	do(t, tx, "do $$ begin execute format('alter database %I connection limit 1', current_database()); end $$")
	got := ask(t, tx, `select concat_ws(' ', value, status, detail = '1 of 1, the limit of database ' || current_database())
		from jobs.health where area = 'connections' and name = 'all'`)
	if got != "1 bad t" {
		t.Error(got)
	}
}

// TestFunctionsPinTheirPath: no function depends on its caller's search_path. Bodies parsed at creation are already bound.
// Two set no path because it would be slow: quantiles runs a thousand times per page and uses only operators; becomes runs for
// every job of an act, is called only by judge, and qualifies every name.
func TestFunctionsPinTheirPath(t *testing.T) {
	t.Parallel()
	got := ask(t, testdb.Tx(t), `select coalesce(string_agg(p.oid::regprocedure::text, ' '), '') from pg_proc p
		where p.pronamespace = 'jobs'::regnamespace and p.prosqlbody is null and p.proname not in ('version', 'quantiles', 'becomes')
		  and not coalesce(array_to_string(p.proconfig, ',') like '%search_path=pg_catalog, pg_temp%', false)`)
	if got != "" {
		t.Errorf("without a search_path of their own: %s", got)
	}
	// Only leader may be a security definer: it has no arguments and changes nothing, and the views that call it run with their
	// owner's rights too.
	if got := ask(t, testdb.Tx(t), "select coalesce(string_agg(p.proname, ' '), '') from pg_proc p where p.pronamespace = 'jobs'::regnamespace and p.prosecdef"); got != "leader" {
		t.Errorf("with their owner's rights, before anybody ran roles.sql: %s", got)
	}
}
