package pilot

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"

	"github.com/backlist/backlist/internal/testdb"
)

// TestFetchBehind: a fetch from behind the last place reads little, however many jobs of another kind wait in front of it, or index
// entries that an old snapshot keeps. 50,000 are enough to tell: a fetch from the front reads thousands of pages.
func TestFetchBehind(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	exec(t, pool, `insert into river.river_job (kind, args, max_attempts, queue, scheduled_at)
		select 'paused', '{}'::jsonb, 5, 'full', now() - interval '1 hour' + i * interval '1 ms' from generate_series(1, 50000) i
		union all
		select 'a', '{}', 5, queue, now() - interval '1 min' + i * interval '1 ms' from generate_series(1, 500) i, unnest('{full,free}'::text[]) queue`)
	p, params := pilotOn(pool), paramsOf("full")
	for range 2 {
		if res, err := p.fetch(t.Context(), params); err != nil || len(res.Jobs) != params.MaxToLock {
			t.Fatal(res, err)
		}
	}
	last, _, behind := p.places.behind("full")
	if !behind {
		t.Log("this machine is slower than the bound between two fetches from the front")
		last = p.places.queues["full"].last
	}
	places := []any{last[0].due, last[0].id, last[1].due, last[1].id, last[2].due, last[2].id, last[3].due, last[3].id}
	base := []any{"full", params.Kind, params.MaxToLock, "me", 100}
	free := pages(t, pool, fetchSQL, append([]any{"free"}, base[1:]...)...)
	check := func(what string) {
		t.Helper()
		front, after := pages(t, pool, fetchSQL, base...), pages(t, pool, fetchBehindSQL, slices.Concat(base, places)...)
		t.Logf("%s: %d pages from the front, %d from behind, %d in a queue of its own", what, front, after, free)
		if after > 2*free || front < 5*free {
			t.Errorf("%s: %d pages from the front, %d from behind, %d in a queue of its own", what, front, after, free)
		}
	}
	check("jobs of another kind")

	snapshot, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = snapshot.Rollback(t.Context()) }()
	if _, err := snapshot.Exec(t.Context(), "set transaction isolation level repeatable read; select from river.river_job limit 1"); err != nil {
		t.Fatal(err)
	}
	exec(t, pool, "update river.river_job set state = 'completed', finalized_at = now() where kind = 'paused'")
	check("an old snapshot")
}

// TestFetchPassesNoJobOver: during a backlog a job of a higher priority is fetched next, and one that became available in front of
// the last place by the next fetch from the front, which is less than a second later, or when no other jobs are left.
func TestFetchPassesNoJobOver(t *testing.T) {
	t.Parallel()
	if frontLatest >= time.Second {
		t.Errorf("jobs wait for %s", frontLatest)
	}
	pool := testdb.New(t)
	exec(t, pool, `insert into river.river_job (kind, args, max_attempts, queue, priority, scheduled_at)
		select 'a', '{}', 5, 'q', 2, now() - interval '1 min' + i * interval '1 ms' from generate_series(1, 200) i`)
	exec(t, pool, `insert into river.river_job (id, kind, args, max_attempts, queue, priority, state, attempt, finalized_at, scheduled_at) values
		(9001, 'a', '{}', 5, 'q', 2, 'discarded', 5, now(), now() - interval '1 hour'), (9002, 'a', '{}', 5, 'q', 2, 'scheduled', 0, null, now() + interval '1 hour'),
		(9003, 'a', '{}', 5, 'q', 2, 'running', 1, null, now() - interval '1 hour'), (9005, 'a', '{}', 5, 'q', 2, 'running', 1, null, '-infinity')`)
	p, params := pilotOn(pool), paramsOf("q")
	// next fetches from behind, as on a fast machine, or from the front.
	next := func(front bool) (ids []int64) {
		t.Helper()
		if q := p.places.queues["q"]; q != nil {
			if q.front, q.took = time.Now(), 0; front {
				q.front = q.front.Add(-frontLatest)
			} else {
				q.took = time.Minute // frontLatest
			}
		}
		res, err := p.fetch(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range res.Jobs {
			ids = append(ids, job.ID)
			p.attempts.take(job)
		}
		return ids
	}
	next(true)
	exec(t, pool, "select jobs.retry(9001); update river.river_job set scheduled_at = now() - interval '30 min' where id = 9001")
	exec(t, pool, "select jobs.run_now(9002); update river.river_job set scheduled_at = now() - interval '30 min' where id = 9002")
	exec(t, pool, "update river.river_job set state = 'available' where id in (9003, 9005)") // as a rescue does
	exec(t, pool, "insert into river.river_job (id, kind, args, max_attempts, queue, priority, scheduled_at) values (9004, 'a', '{}', 5, 'q', 1, now())")
	if ids := next(false); len(ids) != 10 || !slices.Contains(ids, 9004) || slices.Contains(ids, 9001) {
		t.Errorf("behind the place: %v", ids)
	}
	if ids := next(true); !slices.Contains(ids, 9001) || !slices.Contains(ids, 9002) || !slices.Contains(ids, 9003) || !slices.Contains(ids, 9005) {
		t.Errorf("from the front: %v", ids)
	}
	exec(t, pool, "update river.river_job set state = 'available' where id = 9003")
	seen := []int64{}
	for range 30 {
		q := p.places.queues["q"]
		q.front, q.took = time.Now().Add(time.Hour), 0 // the front is not due
		res, err := p.fetch(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range res.Jobs {
			seen = append(seen, job.ID)
		}
	}
	if len(seen) != 200-10-9-6+1 || seen[len(seen)-1] != 9003 {
		t.Errorf("%d jobs, the last %v", len(seen), seen[max(0, len(seen)-1):])
	}
	slices.Sort(seen)
	if len(slices.Compact(seen)) != len(seen) {
		t.Error("a job was fetched twice")
	}
}

func pilotOn(pool *pgxpool.Pool) *Pilot {
	return NewWorkerDriver(pool, "me", NewConn(nil, "", nil, false), nil).pilot.(*Pilot)
}

func paramsOf(queue string) *riverdriver.JobGetAvailableParams {
	return &riverdriver.JobGetAvailableParams{ClientID: "me", Kind: []string{"a"}, MaxAttemptedBy: 100, MaxToLock: 10, Queue: queue, Schema: "river"}
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// pages returns how many pages a statement reads. It is rolled back.
func pages(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) int {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	var plans []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	var text []byte
	if err := tx.QueryRow(t.Context(), "explain (analyze, buffers, format json) "+sql, args...).Scan(&text); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan.Hit + plans[0].Plan.Read
}
