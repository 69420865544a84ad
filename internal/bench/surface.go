package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Question is a query that people run on a view, and its limit in milliseconds.
type Question struct {
	View  string
	Limit float64
	SQL   string
}

// Questions returns the obvious questions for every view and reading function. $MID is the id of a job in the middle of
// the finished ones, with a stored attempt.
func Questions() []Question {
	return []Question{
		{"queue", 50, "select * from jobs.queue"},
		{"job", 100, "select * from jobs.job where id = $MID"},
		{"job", 100, "select * from jobs.job order by id desc limit 50"},
		{"job", 100, "select * from jobs.job where state = 'available' and queue = 'mail' order by priority, scheduled_at, id limit 50"},
		{"job", 100, "select * from jobs.job where state = 'discarded' order by finished_at desc limit 50"},
		{"job", 100, "select * from jobs.job where state = 'completed' order by finished_at desc limit 50"},
		{"job", 100, "select * from jobs.job where state = 'retryable' order by scheduled_at limit 50"},
		{"job", 100, "select * from jobs.job where state = 'running'"},
		{"job", 100, "select kind, last_error, count(*) from jobs.job where state = 'discarded' group by 1, 2 order by 3 desc limit 20"},
		{"job", 100, "select why_waiting, count(*) from (select why_waiting from jobs.job where state = 'available' and queue = 'mail' limit 1000) j group by 1"},
		{"kind", 100, "select * from jobs.kind"},
		{"kind_args", 100, "select * from jobs.kind_args where kind = 'kind_1'"},
		{"attempt", 100, "select * from jobs.attempt where job_id = $MID"},
		{"attempt", 100, "select * from jobs.attempt where stored order by ended_at desc limit 50"},
		{"error", 100, "select * from jobs.error order by last_seen_at desc limit 50"},
		{"error_hour", 100, "select release, kind, sum(attempts) from jobs.error_hour where fingerprint = 'f1' group by release, kind"},
		{"worker", 100, "select * from jobs.worker where alive"},
		{"live", 100, "select * from jobs.live"},
		{"schedule", 100, "select * from jobs.schedule"},
		{"minute", 100, "select * from jobs.minute where minute > now() - interval '1 hour'"},
		{"minute", 100, "select * from jobs.minute where queue = 'mail' and minute > now() - interval '6 hours'"},
		{"hour", 100, "select * from jobs.hour where queue = 'mail' and hour > now() - interval '1 day'"},
		{"series", 100, "select * from jobs.series('1 hour')"},
		{"series", 100, "select * from jobs.series('24 hours')"},
		{"series", 100, "select * from jobs.series('30 days')"},
		{"series", 100, "select * from jobs.series('30 days', kind => 'kind_7')"},
		{"wait_target", 100, "select * from jobs.wait_target"},
		{"scale", 100, "select * from jobs.scale"},
		{"scale_decision", 100, "select * from jobs.scale_decision order by id desc limit 50"},
		{"release", 100, "select * from jobs.release"},
		{"aside", 100, "select * from jobs.aside"},
		{"request", 100, "select * from jobs.request order by started_at desc limit 50"},
		{"job_brief", 100, "select id from jobs.job_brief where state = 'completed' and finished_at is not null order by finished_at desc, id desc limit 50"},
		{"name", 100, "select * from jobs.name where what = 'kind'"},
		{"saved_view", 100, "select * from jobs.saved_view"},
		{"saved_views", 100, "select * from jobs.saved_views('anna')"},
		{"health", 100, "select * from jobs.health"},
		{"finding", 100, "select * from jobs.finding limit 20"},
		{"finding_now", 100, "select * from jobs.finding_now limit 20"},
		{"trend", 100, "select * from jobs.trend"},
		{"pulse", 100, "select * from jobs.pulse"},
		{"audit", 100, "select * from jobs.audit order by id desc limit 50"},
		{"audit", 100, "select * from jobs.audit where job_id = 77"},
		{"bulk", 100, "select * from jobs.bulk order by id desc limit 50"},
		{"bulk", 100, "select * from jobs.bulk where finished_at is null"},
		{"audit", 100, "select * from jobs.audit where bulk_id = 1 order by id desc limit 50"},
		{"audit_of", 100, "select * from jobs.audit_of(77)"},
		{"explain", 100, "select * from jobs.explain((select max(id) from jobs.job where state = 'available'))"},
		{"waterfall", 100, "select * from jobs.waterfall((select id from jobs.request order by started_at desc limit 1))"},
		{"id_at", 100, "select jobs.id_at(now() - interval '1 hour')"},
		{"percentile", 100, "select jobs.percentile('mail', past => '1 hour')"},
		{"percentile", 100, "select jobs.percentile(past => '1 day')"},
		{"search", 100, `select * from jobs.search('{"reader_id": 77}')`},
		{"search", 100, `select * from jobs.search('{"no": $MID}')`},
		{"with_args", 100, `select * from jobs.with_args(array['{"reader_id": 77}'::jsonb], null, 0, $MID, newest => true, max => 1000)`},
	}
}

// overview returns the questions that a console's first page asks repeatedly.
func overview() []string {
	return []string{
		"select * from jobs.queue", "select * from jobs.kind", "select * from jobs.worker where alive",
		"select * from jobs.health where status <> 'ok'", "select * from jobs.error where not muted order by last_day desc limit 10",
		"select * from jobs.job where state = 'running' order by id limit 20",
		"select minute, sum(completed), sum(failed + discarded) from jobs.minute where minute > now() - interval '1 hour' group by minute",
	}
}

// overviewEvery is the interval of these questions.
const overviewEvery = time.Second

// Answer is the measurement of one question.
type Answer struct {
	View  string  `json:"view"`
	SQL   string  `json:"sql"`
	Rows  int     `json:"rows"`
	Took  Spread  `json:"ms"`
	Limit float64 `json:"limit_ms"`
	Plan  string  `json:"plan"`
}

// AskSurface asks every question rounds times, in turn, after a first time that does not count because it fills the
// server's cache.
func AskSurface(ctx context.Context, pool *pgxpool.Pool, finished, rounds int) ([]Answer, error) {
	questions := Questions()
	answers := make([]Answer, len(questions))
	times := make([][]float64, len(questions))
	step := keptOfEach(finished, attemptsKept)
	middle := strconv.Itoa(finished/2/step*step + 1)
	for round := range rounds + 1 {
		for i, q := range questions {
			sql := strings.ReplaceAll(q.SQL, "$MID", middle)
			began := time.Now()
			rows, err := askAll(ctx, pool, sql)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sql, err)
			}
			if round > 0 {
				times[i] = append(times[i], Milliseconds(time.Since(began)))
			}
			answers[i] = Answer{View: q.View, SQL: sql, Rows: rows, Took: SpreadOf(times[i]), Limit: q.Limit}
		}
	}
	for i := range answers {
		rows, err := pool.Query(ctx, "explain (analyze, buffers, costs off) "+answers[i].SQL)
		if err != nil {
			return nil, err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("explain %s: %w", answers[i].SQL, err)
		}
		answers[i].Plan = strings.Join(lines, "\n")
	}
	return answers, nil
}

// askAll reads all rows of a query.
func askAll(ctx context.Context, pool *pgxpool.Pool, sql string) (n int, err error) {
	rows, err := pool.Query(ctx, sql)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}

// watch asks the questions of an open console every second until closed. It returns the duration of each page, of which
// there is at least one: watch finishes a page that it has begun.
func watch(ctx context.Context, pool *pgxpool.Pool, closed <-chan struct{}) (pages []float64, err error) {
	tick := time.NewTicker(overviewEvery)
	defer tick.Stop()
	for {
		began := time.Now()
		for _, sql := range overview() {
			if _, err := askAll(ctx, pool, sql); err != nil {
				return pages, fmt.Errorf("%s: %w", sql, err)
			}
		}
		pages = append(pages, Milliseconds(time.Since(began)))
		select {
		case <-tick.C:
		case <-closed:
			return pages, nil
		}
	}
}
