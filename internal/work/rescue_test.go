package work_test

import (
	"context"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// TestRefusedRescue: a job that Postgres does not let run again, because another job has its unique key, does not keep others from
// being rescued.
func TestRefusedRescue(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	var ids []int64
	for range 5 {
		ids = append(ids, runningFor(t, pool, "dead", "0 s", "{}"))
	}
	refused := ids[2]
	for _, step := range []string{
		"insert into work.worker (id, slots, lock_key, dead_at) values ('dead', 1, 1, now())",
		// Its key counts while it waits but not while it runs: other programs may insert such jobs.
		"update river.river_job set unique_key = 'k', unique_states = b'10111111' where id = (select min(id) + 2 from river.river_job)",
		`insert into river.river_job (kind, args, max_attempts, queue, unique_key, unique_states)
			values ('test_step', '{}', 25, 'unworked', 'k', b'11111111')`,
	} {
		if _, err := pool.Exec(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	running(t, pool, func(context.Context, *stepJob) error { return nil })
	for _, id := range ids {
		want := "state = 'completed' and attempt = 2"
		if id == refused {
			want = "state = 'discarded' and attempt = 1 and errors[1] ->> 'error' like '%23505%' and unique_key is null"
		}
		until(t, pool, want, "select "+want+" from river.river_job where id = $1", id)
	}
}
