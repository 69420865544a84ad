package db_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func empty(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), testdb.NewEmptyURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestMigrateRacing(t *testing.T) {
	t.Parallel()
	pool := empty(t)
	if err := db.Check(t.Context(), pool); !errors.Is(err, db.ErrSchemaOld) {
		t.Fatalf("an empty database: %v, want ErrSchemaOld", err)
	}
	var wg sync.WaitGroup
	for range 2 { // two release phases
		wg.Go(func() {
			if err := db.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := db.Check(t.Context(), pool); err != nil {
		t.Error(err)
	}
	var log strings.Builder
	if err := db.Migrate(t.Context(), pool, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	if log.Len() > 0 {
		t.Errorf("the third run did something: %s", log.String())
	}
	if n := one[int](t, pool, "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"); n != 0 {
		t.Errorf("%d advisory locks are still held", n)
	}
}

// TestCheckRefusesOnlyOlder: a schema that lacks a migration is refused, one with more migrations is not.
func TestCheckRefusesOnlyOlder(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	exec(t, pool, "insert into work.migration (version, name) values (999, 'of the next release')")
	exec(t, pool, "insert into river.river_migration (line, version) values ('main', 999), ('pro', 1)")
	if err := db.Check(t.Context(), pool); err != nil {
		t.Errorf("a newer schema: %v", err)
	}
	exec(t, pool, "delete from work.migration where version = 1")
	if err := db.Check(t.Context(), pool); !errors.Is(err, db.ErrSchemaOld) {
		t.Errorf("without migration 1: %v, want ErrSchemaOld", err)
	}
	exec(t, pool, "insert into work.migration (version, name) values (1, 'back'); delete from river.river_migration where version = 8")
	if err := db.Check(t.Context(), pool); !errors.Is(err, db.ErrSchemaOld) {
		t.Errorf("without River's newest: %v, want ErrSchemaOld", err)
	}
}

// TestJobsIsReplaced: a changed surface is replaced while another transaction reads the old one.
func TestJobsIsReplaced(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	exec(t, pool, "comment on schema jobs is 'an older text'; create view jobs.gone as select 1")
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "select from jobs.job"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- db.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)) }()
	// The reader holds its lock until the migration waits for it.
	for waiting := false; !waiting; {
		waiting = one[bool](t, pool, "select exists (select from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database())")
	}
	if err := tx.Rollback(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if one[bool](t, pool, "select to_regclass('jobs.gone') is not null") {
		t.Error("a view of the older surface still exists")
	}
	if v := one[string](t, pool, "select jobs.version()"); len(v) != 12 {
		t.Errorf("jobs.version() is %q", v)
	}
}

// TestSurfaceIsDocumented: \d+ and \df+ document everything in schema jobs, including arguments.
func TestSurfaceIsDocumented(t *testing.T) {
	t.Parallel()
	rows, err := testdb.Tx(t).Query(t.Context(), `
		select c.relname || coalesce('.' || a.attname, '')
		from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'jobs'
		left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
		where c.relkind = 'v' and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)
		union all
		select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'jobs'
		where obj_description(p.oid, 'pg_proc') is null
		union all
		select p.proname || '(' || a.name || ')' from pg_proc p join pg_namespace n on n.oid = p.pronamespace and n.nspname = 'jobs'
		cross join unnest(p.proargnames, p.proargmodes) as a (name, mode)
		where coalesce(a.mode, 'i') = 'i' and obj_description(p.oid, 'pg_proc') !~ ('\m' || a.name || '\M')`)
	if err != nil {
		t.Fatal(err)
	}
	bare, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(bare) > 0 {
		t.Errorf("without a COMMENT in schema jobs: %v", bare)
	}
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func one[T any](t *testing.T, pool *pgxpool.Pool, sql string) (v T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
