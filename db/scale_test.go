package db_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// fill makes a database as a busy system has it after a day: n finished jobs, 100,000 that wait, 10,000 that failed, and
// the history that belongs to them.
const fill = `
insert into work.kind (kind) select 'kind_' || i from generate_series(0, 19) as i;
insert into work.worker (id, dyno, slots, lock_key, queues, kinds) select 'w' || i, 'worker.' || i, 50, i, '{default,mail,slow,bulk}', (select array_agg(kind) from work.kind) from generate_series(1, 8) as i;
update work.worker set seen_at = now() + interval '1 hour';
insert into river.river_queue (name, updated_at) select unnest('{default,mail,slow,bulk}'::text[]), now();
insert into river.river_job (kind, queue, state, attempt, max_attempts, args, metadata, created_at, scheduled_at, attempted_at, attempted_by, finalized_at)
select 'kind_' || i % 20, (array['default', 'mail', 'slow', 'bulk'])[1 + i % 4], 'completed', 1, 25,
    jsonb_build_object('reader_id', i % 100000, 'no', i), jsonb_build_object('request_id', md5(i::text), 'release', 'v1'),
    t - interval '2 s', t - interval '2 s', t - interval '1 s', array['w' || i % 8], t
from (select i, now() - make_interval(secs => 86400.0 * ($N - i) / $N) as t from generate_series(1, $N) as i) f;
insert into river.river_job (kind, queue, state, max_attempts, args, metadata, scheduled_at, priority)
select 'kind_' || i % 20, (array['default', 'mail', 'slow', 'bulk'])[1 + i % 4], case when i % 10 = 0 then 'scheduled' else 'available' end::river.river_job_state, 25,
    jsonb_build_object('reader_id', i % 100000, 'no', -i), jsonb_build_object('request_id', md5((-i)::text)),
    now() + case when i % 10 = 0 then interval '1 h' else make_interval(secs => -i / 1000.0) end, 1 + i % 4
from generate_series(1, 100000) as i;
insert into river.river_job (kind, queue, state, attempt, max_attempts, args, scheduled_at, attempted_at, attempted_by, finalized_at, errors)
select 'kind_' || i % 20, (array['default', 'mail', 'slow', 'bulk'])[1 + i % 4], case when i % 2 = 0 then 'discarded' else 'retryable' end::river.river_job_state, 3, 25,
    jsonb_build_object('reader_id', i % 100000, 'no', i), now() + interval '10 min', now() - interval '10 min', array['w1'],
    case when i % 2 = 0 then now() - make_interval(secs => i) end, array[jsonb_build_object('at', now(), 'attempt', 1, 'error', 'error ' || i % 200, 'trace', '')]
from generate_series(1, 10000) as i;
insert into river.river_job (kind, queue, state, attempt, max_attempts, args, attempted_at, attempted_by)
select 'kind_' || i % 20, (array['default', 'mail', 'slow', 'bulk'])[1 + i % 4], 'running', 1, 25, '{}', now() - interval '3 s', array['w' || 1 + i % 8] from generate_series(1, 400) as i;
insert into work.minute (minute, queue, kind, completed, failed, wait, run, wait_s, run_s)
select date_trunc('minute', now()) - m * interval '1 min', (array['default', 'mail', 'slow', 'bulk'])[1 + k % 4], 'kind_' || k, 170, 1,
    array_fill(0, array[4]) || array[100, 50, 21] || array_fill(0, array[19]), array_fill(0, array[6]) || array[100, 50, 21] || array_fill(0, array[17]), 10, 20
from generate_series(0, 43200) as m, generate_series(0, 19) as k where m < 1440 or k < 8;
insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, request_id, due_at, started_at, ended_at, error, fingerprint)
select i, 1, 'kind_' || i % 20, 'default', case when i % 100 = 0 then 'failed' else 'completed' end, 'w1', 'v1', md5(i::text), t, t, t,
    case when i % 100 = 0 then 'error' end, case when i % 100 = 0 then 'f' || i / 100 % 200 end
from (select i, now() - make_interval(secs => 86400.0 * ($N - i) / $N) as t from generate_series(1, $N, 5) as i) f;
insert into work.error select 'f' || i, 'error ' || i, now() - interval '20 days', now(), 'v1', 'v1' from generate_series(0, 199) as i;
insert into work.error_hour select 'f' || i, date_trunc('hour', now()) - h * interval '1 h', 'kind_' || k, 'v1', 3 from generate_series(0, 199) as i, generate_series(0, 719, 7) as h, generate_series(0, 1) as k;
insert into work.request (id, method, route, status, started_at, ended_at, release, process, jobs)
select md5(i::text), 'POST', '/orders', 303, now() - make_interval(secs => i / 10.0), now(), 'v1', 'web.1', array[i] from generate_series(1, 500000) as i;
insert into work.schedule (name, kind, spec, words, missed, next_at, declared) select 's' || i, 'kind_' || i, 'every 1m', 'every minute', 'once', now() + interval '1 min', '' from generate_series(1, 20) as i;
insert into work.tick (schedule, due_at, outcome, by) select 's' || i, now() - m * interval '10 min', 'enqueued', 'w1' from generate_series(1, 20) as i, generate_series(1, 4320) as m;
insert into work.audit (act, job_id) select 'retry', i from generate_series(1, 100000) as i;
`

// questions are what people ask of each view, and within how many milliseconds they are answered at five million jobs.
var questions = []struct {
	limit int
	sql   string
}{
	{50, "select * from jobs.queue"},
	{100, "select * from jobs.job where id = 1000000"},
	{100, "select * from jobs.job order by id desc limit 50"},
	{100, "select * from jobs.job where state = 'available' and queue = 'mail' order by priority, scheduled_at, id limit 50"},
	{100, "select * from jobs.job where state = 'discarded' order by finished_at desc limit 50"},
	{100, "select * from jobs.job where state = 'completed' order by finished_at desc limit 50"},
	{100, "select * from jobs.job where state = 'retryable' order by scheduled_at limit 50"},
	{100, "select * from jobs.job where state = 'running'"},
	{100, "select kind, last_error, count(*) from jobs.job where state = 'discarded' group by 1, 2 order by 3 desc limit 20"},
	{100, "select * from jobs.kind"},
	{100, "select * from jobs.error order by last_seen_at desc limit 50"},
	{100, "select * from jobs.attempt where job_id = 1001"},
	{100, "select * from jobs.attempt order by ended_at desc limit 50"},
	{100, "select * from jobs.worker where alive"},
	{100, "select * from jobs.schedule"},
	{100, "select * from jobs.minute where minute > now() - interval '1 hour'"},
	{100, "select * from jobs.minute where queue = 'mail' and minute > now() - interval '6 hours'"},
	{100, "select * from jobs.request order by started_at desc limit 50"},
	{100, "select * from jobs.request where id = md5('77')"},
	{100, "select * from jobs.health"},
	{100, "select * from jobs.audit order by id desc limit 50"},
	{100, "select * from jobs.audit where job_id = 77"},
	{100, "select * from jobs.explain((select max(id) from jobs.job where state = 'available'))"},
	{100, "select * from jobs.waterfall(md5('77'))"},
	{100, "select jobs.percentile('default', past => '1 hour')"},
	{100, "select jobs.percentile(past => '1 day')"},
	{100, "select * from jobs.search('{\"no\": 4000000}')"},
	{100, "select * from jobs.search('{\"reader_id\": 77}')"},
	{100, "select why_waiting, count(*) from (select why_waiting from jobs.job where state = 'available' and queue = 'mail' limit 1000) j group by 1"},
}

// BenchmarkSurface asks them: SURFACE_JOBS=5000000 go test ./db -run '^$' -bench Surface -benchtime 5x. SURFACE_PLANS=1
// prints the plans too.
func BenchmarkSurface(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("SURFACE_JOBS"))
	if err != nil {
		b.Skip("SURFACE_JOBS says how many finished jobs to fill in")
	}
	pool := testdb.New(b)
	if _, err := pool.Exec(b.Context(), strings.ReplaceAll(fill, "$N", strconv.Itoa(n))); err != nil {
		b.Fatal(err)
	}
	for _, table := range []string{"river.river_job", "work.minute", "work.attempt", "work.request", "work.error_hour", "work.error", "work.tick", "work.audit"} {
		if _, err := pool.Exec(b.Context(), "vacuum analyze "+table); err != nil {
			b.Fatal(err)
		}
	}
	for _, q := range questions {
		b.Run(q.sql, func(b *testing.B) { askOften(b, pool, q.sql, q.limit) })
	}
}

func askOften(b *testing.B, pool *pgxpool.Pool, sql string, limit int) {
	for b.Loop() {
		rows, err := pool.Query(b.Context(), sql)
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
		}
		if rows.Err() != nil {
			b.Fatal(rows.Err())
		}
	}
	if took := b.Elapsed() / time.Duration(b.N); took > time.Duration(limit)*time.Millisecond {
		b.Logf("%v, more than %d ms", took, limit)
	}
	if os.Getenv("SURFACE_PLANS") != "" {
		rows, err := pool.Query(b.Context(), "explain (analyze, buffers, costs off) "+sql)
		if err != nil {
			b.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			b.Fatal(err)
		}
		b.Log(strings.Join(lines, "\n"))
	}
}
