package db_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/internal/testdb"
)

// what is the data of a small system: two workers (one dead), three kinds, jobs in every state, a day of history.
const what = `
insert into work.kind (kind, secrets, opts) values ('send', '{pet}', '{"queue": "mail", "priority": 2, "max_attempts": 5, "tags": ["outward"]}'), ('count', '{}', '{}'), ('sweep', '{}', '{}');
insert into work.worker (id, dyno, slots, running, lock_key, queues, kinds, dead_at) values
    ('w1', 'worker.1', 10, 1, 1, '{default,mail}', '{send,count}', null), ('w2', 'worker.2', 10, 0, 2, '{default}', '{send,count}', now());
insert into river.river_queue (name, updated_at) values ('default', now()), ('mail', now());
insert into river.river_job (id, kind, queue, state, attempt, max_attempts, args, metadata, scheduled_at, attempted_at, attempted_by, finalized_at, errors, tags) values
    (1, 'send', 'mail', 'available', 0, 25, '{"to": 7, "api_key": "abc", "deep": [{"Password": "x", "n": null}], "pet": "cat"}', '{"request_id": "r1"}', now() - interval '90 s', null, null, null, null, '{}'),
    (2, 'send', 'mail', 'running', 1, 25, '{"to": 8}', '{"request_id": "r1", "parent_id": 3, "progress": {"percent": 40, "sentence": "4 of 10", "at": "x"}}', now() - interval '60 s', now() - interval '50 s', '{w1}', null, null, '{}'),
    (3, 'count', 'default', 'completed', 1, 25, '{"to": 7}', '{"request_id": "r1", "river:log": [{"attempt": 1, "log": "hello"}]}', now() - interval '80 s', now() - interval '70 s', '{w1}', now() - interval '69 s', null, '{a_tag}'),
    (4, 'count', 'default', 'retryable', 2, 25, '{}', '{}', now() + interval '10 min', now(), '{w1}', null, array['{"at": "x", "attempt": 1, "error": "no", "trace": ""}']::jsonb[], '{}'),
    (5, 'count', 'default', 'discarded', 5, 5, '{}', '{"parent_id": "odd", "deaths": "odd", "progress": 3}', now(), now(), '{w2}', now(), array['{"error": "first"}', '{"error": "last"}']::jsonb[], '{}'),
    (6, 'count', 'default', 'cancelled', 0, 5, '{}', '[]', now(), null, null, now(), null, '{}'),
    (7, 'count', 'default', 'scheduled', 0, 5, '{}', '{}', now() + interval '1 hour', null, null, null, null, '{}'),
    (8, 'count', 'default', 'pending', 0, 5, '{}', '{}', now(), null, null, null, null, '{}'),
    (9, 'sweep', 'default', 'available', 0, 5, '{}', '{}', now() - interval '1 s', null, null, null, null, '{}'),
    (10, 'count', 'other', 'available', 0, 5, '{}', '{}', now() - interval '1 s', null, null, null, null, '{}'),
    (11, 'count', 'default', 'available', 0, 5, '{}', '{"held": "the arguments cannot be read"}', now() + interval '9 min', null, null, null, null, '{}');
update river.river_job set created_at = now() - interval '80 s';
select nextval('river.river_job_id_seq') from generate_series(1, 100); -- setval could take the sequence back, which no rollback undoes, under another test
insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, request_id, parent_id, due_at, started_at, ended_at, error, fingerprint, steps) values
    (3, 1, 'count', 'default', 'completed', 'w1', 'v1', 'r1', null, now() - interval '80 s', now() - interval '70 s', now() - interval '69 s', null, null, '[{"name": "read", "at_ms": 1, "ms": 2, "queries": 3, "sql_ms": 1}]'),
    (4, 1, 'count', 'default', 'failed', 'w1', 'v1', null, null, now() - interval '80 s', now() - interval '70 s', now() - interval '69 s', 'no', 'f1', null),
    (4, 2, 'count', 'default', 'failed', 'w1', 'v1', null, null, now() - interval '80 s', now() - interval '70 s', now() - interval '69 s', 'no', 'f1', null);
insert into work.request (id, method, route, status, started_at, ended_at, release, process, jobs, steps) values
    ('r1', 'POST', '/orders/{id}', 303, now() - interval '81 s', now() - interval '80 s', 'v1', 'web.1', '{1,3}', '[{"name": "write", "at_ms": 5, "ms": 2.5, "queries": 3, "sql_ms": 1}]');
insert into work.error (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release) values ('f1', 'no', now() - interval '3 days', now(), 'v1', 'v1');
insert into work.error_hour (fingerprint, hour, kind, release, attempts) values ('f1', date_trunc('hour', now()), 'count', 'v1', 2), ('f1', date_trunc('hour', now()) - interval '3 days', 'send', 'v1', 5);
insert into work.minute (minute, queue, kind, completed, failed, discarded, wait, run, wait_s, run_s)
select date_trunc('minute', now()) - i * interval '1 min', 'default', 'count', 90, 10, 0,
    array_fill(0, array[10]) || 100 || array_fill(0, array[15]), 50 || array_fill(0, array[19]) || 50 || array_fill(0, array[5]), 70, 200
from generate_series(0, 90) as i;
insert into work.schedule (name, kind, spec, words, missed, next_at, declared) values ('nightly', 'sweep', '0 4 * * *', 'every day at 04:00', 'once', now() + interval '1 h', '');
insert into work.tick (schedule, due_at, outcome, job_id, missed, by) values ('nightly', now() - interval '1 day', 'enqueued', 3, 2, 'w1'), ('nightly', now() - interval '2 days', 'skipped', null, 0, 'w1');
`

// peopled returns a transaction on a database with this data.
func peopled(t *testing.T) pgx.Tx {
	t.Helper()
	tx := testdb.Tx(t)
	do(t, tx, what)
	return tx
}

type runner interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func do(t *testing.T, tx runner, sql string) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func ask(t *testing.T, tx runner, sql string) string {
	t.Helper()
	var v any
	if err := tx.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Errorf("%s: %v", sql, err)
		return ""
	}
	switch v := v.(type) {
	case map[string]any:
		var text string
		if err := tx.QueryRow(t.Context(), "select ("+sql+")::text").Scan(&text); err != nil {
			t.Error(err)
		}
		return text
	case time.Time:
		return v.Format(time.RFC3339Nano)
	default:
		return fmt.Sprint(v)
	}
}

// fails runs sql in a savepoint and returns Postgres's error.
func fails(t *testing.T, tx pgx.Tx, sql string) *pgconn.PgError {
	t.Helper()
	inner, err := tx.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inner.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = inner.Exec(t.Context(), sql)
	pgErr, _ := err.(*pgconn.PgError)
	return pgErr
}
