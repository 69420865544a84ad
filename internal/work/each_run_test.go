package work_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

// TestEachRunOnce: three processes of two releases, two workers and one maintainer, are killed and restarted in turn over more than
// 50 runs of five schedules, and once all are gone for a while. One schedule has a kind that the older release does not know. Each
// run has one row and one job; runs that were missed are counted by the next.
func TestEachRunOnce(t *testing.T) {
	t.Parallel()
	const kills = 9
	pool := testdb.New(t)
	declare(
		t, pool,
		work.Schedule{Name: "a", Args: stepArgs{N: 1}, Spec: "every 1s", Missed: work.MissedOnce},
		work.Schedule{Name: "b", Args: stepArgs{N: 2}, Spec: "every 1s", Missed: work.MissedOnce},
		work.Schedule{Name: "c", Args: stepArgs{N: 3}, Spec: "every 1s", Missed: work.MissedSkip},
		work.Schedule{Name: "d", Args: stepArgs{N: 4}, Spec: "every 2s", Missed: work.MissedOnce},
		work.Schedule{Name: "new", Args: taggedArgs{ID: 5}, Spec: "every 1s", Missed: work.MissedOnce},
	)
	what := []string{"tick", "tick of an older release", "keep"}
	var running []*os.Process
	for _, does := range what {
		running = append(running, anotherOf(t, pool, does))
	}
	for i := range kills {
		ticks := count(t, pool, "select count(*) from work.tick")
		until(t, pool, "there are more runs", "select count(*) > $1::int + 4 from work.tick", ticks)
		if err := running[i%3].Kill(); err != nil {
			t.Fatal(err)
		}
		running[i%3] = anotherOf(t, pool, what[i%3])
	}
	for i, p := range running { // no process is left for a while
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		running[i] = nil
	}
	until(t, pool, "every schedule is late", "select bool_and(next_at < now() - interval '2 s') from work.schedule")
	for i := range running {
		running[i] = anotherOf(t, pool, what[i])
	}
	until(t, pool, "all caught up", "select count(distinct schedule) = 5 from work.tick where missed > 0")
	ticks := count(t, pool, "select count(*) from work.tick")
	until(t, pool, "there were 50 runs after the first kill", "select count(*) > greatest(55, $1::int + 5) from work.tick", ticks)
	for _, p := range running {
		_ = p.Kill()
	}
	until(t, pool, "all processes have gone", `select count(*) = 0 from pg_stat_activity
		where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'`)
	rows, err := pool.Query(t.Context(), `select schedule, count(*), sum(missed), count(distinct by), count(distinct job_id) = count(*)
			and count(*) = (select count(*) from river.river_job where metadata ->> 'schedule' = schedule),
			extract(epoch from max(due_at) - min(due_at)) / case schedule when 'd' then 2 else 1 end + 1 = sum(1 + missed) - min(first)
		from (select *, first_value(missed) over (partition by schedule order by due_at) as first from work.tick) t
		group by schedule order by schedule`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	schedules := 0
	for rows.Next() {
		var name string
		var ticks, missed, by int
		var oneJobEach, noneLost bool
		if err := rows.Scan(&name, &ticks, &missed, &by, &oneJobEach, &noneLost); err != nil {
			t.Fatal(err)
		}
		schedules++
		t.Logf("%s: %d runs, %d missed while no process was running, by %d processes", name, ticks, missed, by)
		if !oneJobEach || !noneLost {
			t.Errorf("%s: one job each %v, none lost %v", name, oneJobEach, noneLost)
		}
	}
	if err := rows.Err(); err != nil || schedules != 5 {
		t.Error(schedules, err)
	}
	holds(t, pool, "three processes or more have ticked", "select count(distinct by) >= 3 from work.tick")
	holds(t, pool, "both releases have", "select count(distinct metadata ->> 'release') = 2 from river.river_job")
	holds(t, pool, fmt.Sprintf("after %d kills no tick came twice", kills), "select count(*) = count(distinct (schedule, due_at)) from work.tick")
}
