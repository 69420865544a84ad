package db_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
)

// TestRoles: the reader may read, the operator may also act, and neither may do anything else, not even after the next
// migration.
func TestRoles(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	text, err := os.ReadFile("jobs/roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	do(t, pool, string(text))
	do(t, pool, string(text))
	do(t, pool, what+"; create table secret (a int)")
	anna, otto := "anna_"+strings.ToLower(rand.Text()), "otto_"+strings.ToLower(rand.Text()) // roles are the server's
	do(t, pool, fmt.Sprintf("create role %s login in role jobs_reader; create role %s login in role jobs_operator", anna, otto))
	t.Cleanup(func() { drop(t, pool, anna, otto) })

	for _, round := range []string{"at first", "after a migration"} {
		reader, operator := as(t, pool, anna), as(t, pool, otto)
		may(t, round, reader, operator)
		do(t, pool, "update river.river_job set state = 'available', finalized_at = null where id = 1; update river.river_job set state = 'scheduled', scheduled_at = now() + interval '1 h' where id = 7; comment on schema jobs is 'an older text'")
		if err := db.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	if who := ask(t, pool, "select distinct role from jobs.audit"); who != otto {
		t.Errorf("the audit names %s, want %s", who, otto)
	}
}

func may(t *testing.T, round string, reader, operator *pgx.Conn) {
	t.Helper()
	for _, sql := range []string{
		"select * from jobs.job", "select * from jobs.attempt", "select * from jobs.queue", "select * from jobs.kind", "select * from jobs.error",
		"select * from jobs.worker", "select * from jobs.schedule", "select * from jobs.minute", "select * from jobs.request",
		"select * from jobs.release", "select * from jobs.health", "select * from jobs.audit", "select * from jobs.bulk", "select jobs.version()", "select * from jobs.explain(9)",
		"select * from jobs.waterfall('r1')", "select jobs.percentile('default')", "select * from jobs.search('{\"to\": 7}')", "select * from jobs.audit_of(1)",
	} {
		for _, conn := range []*pgx.Conn{reader, operator} {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Errorf("%s: %s: %v", round, sql, err)
			}
		}
	}
	for _, sql := range []string{
		"select jobs.cancel(1, 'x')", "select jobs.retry(1, 'x')", "select jobs.discard('{4}'::bigint[])", "select jobs.retry('{4}'::bigint[])",
		"select jobs.run_now(7)", "select jobs.discard(7)", "select jobs.retry(7)", "select jobs.enqueue('send')", "select jobs.may('{1}', 'retry')",
		"select jobs.delete((jobs.enqueue('send')).id)",
		"select jobs.snooze(7, now() + interval '1 h')", "select jobs.snooze('{7}'::bigint[], now() + interval '1 h')", "select jobs.copy(7)",
		"select jobs.may_undo(array(select max(id) from jobs.audit where act = 'snooze'))",
		"select jobs.undo((select max(id) from jobs.audit where act = 'snooze'))", "select jobs.undo('{1}'::bigint[])", "select jobs.pause('default')", "select jobs.resume('default')",
		"select jobs.drain('w1')", "select jobs.undrain('w1')", "select jobs.mute('f1')", "select jobs.unmute('f1')", "select jobs.resolve('f1')",
		"select jobs.cancel_bulk(jobs.start_bulk('retry', 'state:discarded', 1, 1))",
		"update river.river_job set scheduled_at = now() + interval '1 hour', state = 'scheduled' where id = 7",
	} {
		own := strings.HasPrefix(sql, "select jobs.")
		if _, err := operator.Exec(t.Context(), sql); (err == nil) != own {
			t.Errorf("%s: the operator: %s: %v", round, sql, err)
		}
		if _, err := reader.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: the reader: %s: %v, want permission denied", round, sql, err)
		}
	}
	for _, sql := range []string{
		"select * from river.river_job", "delete from river.river_job", "select * from work.audit", "insert into work.audit (act) values ('x')",
		"delete from work.worker", "select * from public.secret", "select * from public.reader", "delete from jobs.job", "update jobs.worker set draining = true",
		"create view jobs.mine as select 1", "drop view jobs.job", "select jobs.insist(true, '', '')", "select jobs.act('retry', '{1}')",
		"select * from work.undo", "select * from work.bulk", "select jobs.end_bulk(1, 'done')", "select jobs.judge('retry', '{1}')", "alter function jobs.pause security invoker",
	} {
		for _, conn := range []*pgx.Conn{reader, operator} {
			if _, err := conn.Exec(t.Context(), sql); err == nil {
				t.Errorf("%s: must be denied: %s", round, sql)
			}
		}
	}
}

func as(t *testing.T, pool *pgxpool.Pool, role string) *pgx.Conn {
	t.Helper()
	cfg := pool.Config().ConnConfig.Copy()
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	do(t, conn, "set session authorization "+role)
	return conn
}

// TestViewsNeedNoMore: a role that may read only the views can read all their rows and columns.
func TestViewsNeedNoMore(t *testing.T) {
	t.Parallel()
	tx := peopled(t)
	role := "views_" + strings.ToLower(rand.Text())
	do(t, tx, fmt.Sprintf("create role %s; grant usage on schema jobs to %[1]s; grant select on all tables in schema jobs to %[1]s; set local role %[1]s", role))
	for _, view := range list(t, tx, "select viewname from pg_views where schemaname = 'jobs'") {
		do(t, tx, "select * from jobs."+view)
	}
}

// TestWithoutRoles: a role that may not create roles, as on the smallest plans, has the whole surface.
func TestWithoutRoles(t *testing.T) {
	t.Parallel()
	url := testdb.NewEmptyURL(t)
	admin, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	owner := "owner_" + strings.ToLower(rand.Text())
	do(t, admin, fmt.Sprintf("create role %s login nosuperuser nocreaterole nocreatedb", owner))
	do(t, admin, fmt.Sprintf("alter database %s owner to %s", pgx.Identifier{admin.Config().Database}.Sanitize(), owner))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_, err := admin.Exec(ctx, fmt.Sprintf("reassign owned by %s to current_user; drop owned by %[1]s; drop role %[1]s", owner))
		if err != nil {
			t.Error(err)
		}
		_ = admin.Close(ctx)
	})
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.RuntimeParams["role"] = owner
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	do(t, admin, fmt.Sprintf("grant all on schema public to %s", owner))
	if err := db.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	do(t, pool, what)
	for _, view := range []string{"job", "attempt", "queue", "kind", "error", "worker", "schedule", "minute", "request", "release", "health", "audit", "bulk"} {
		do(t, pool, "select * from jobs."+view)
	}
	do(t, pool, "select jobs.retry(5, 'x'), jobs.pause('default', 'x'), jobs.drain('w1', 'x'), jobs.explain(9)")
	text, err := os.ReadFile("jobs/roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), string(text)); err == nil {
		t.Error("a role without CREATEROLE made roles: this test proves nothing")
	}
}

// TestOverPlainRiver: on the database of a plain River program every view and function works, and does not invent what is
// unknown.
func TestOverPlainRiver(t *testing.T) {
	t.Parallel()
	b := newBench(t, "public", "UTC")
	do(t, b.pool, everyJob(b))
	do(t, b.pool, "insert into public.river_leader (elected_at, expires_at, leader_id) values (now(), now() + interval '1 min', 'theirs')")
	for _, view := range []string{"job", "attempt", "queue", "kind", "error", "worker", "schedule", "minute", "request", "release", "health", "audit", "bulk"} {
		do(t, b.pool, "select * from jobs."+view)
	}
	for sql, want := range map[string]string{
		"select count(*)::text from jobs.job":                                                                      fmt.Sprint(missing - 1),
		"select sum(available + running + scheduled + retryable)::text from jobs.queue":                            ask(t, b.pool, "select sum(1)::text from river_job where state in ('available', 'running', 'scheduled', 'retryable')"),
		"select waiting from jobs.job where id = 1":                                                                "queued",
		"select count(*)::text from jobs.search('{\"a\": 1}')":                                                     fmt.Sprint(missing - 1),
		"select status || detail from jobs.health where name = 'rescuer'":                                          "ok0 jobs run with no live worker",
		"select code from jobs.explain(1)":                                                                         "queued",
		"select string_agg(nspname, ' ' order by nspname) from pg_namespace where nspname !~ '^(pg_|information)'": "jobs public work",
		"select count(*)::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'work' and relkind = 'r' and relname in ('reader', 'book')": "0",
	} {
		if got := ask(t, b.pool, sql); strings.TrimSpace(got) != want {
			t.Errorf("%s: got %s, want %s", sql, got, want)
		}
	}
}

func drop(t *testing.T, pool *pgxpool.Pool, roles ...string) {
	t.Helper()
	for _, role := range roles {
		if _, err := pool.Exec(context.WithoutCancel(t.Context()), "drop role "+role); err != nil {
			t.Error(err)
		}
	}
}
