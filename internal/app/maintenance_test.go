package app

import (
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/testdb"
)

// TestWebMaintains: without any worker, a web process runs the schedules that migrate has declared and makes jobs due, on its
// own connections, and stops in order.
func TestWebMaintains(t *testing.T) {
	t.Parallel()
	url := testdb.NewURL(t)
	before := time.Now()
	finished(t, launch(t, url, nil, "migrate"))
	pool := openPool(t, url)
	if declared := valueOf[[]string](t, pool, `select array_agg(name || ': ' || words order by name) from work.schedule
		where retired_at is null and next_at > $1`, before); !slices.Equal(declared, []string{
		"prune_imports: every hour at minute 25", "prune_lab: every day at 04:15 (UTC)", "prune_sessions: every day at 04:00 (UTC)",
		"rebuild_neighbours: every 10 minutes",
	}) {
		t.Fatalf("declared schedules: %q", declared)
	}
	if _, err := pool.Exec(t.Context(), "update work.schedule set next_at = now() - interval '25 h'"); err != nil {
		t.Fatal(err)
	}
	id := valueOf[int64](t, pool, `insert into river.river_job (kind, args, max_attempts, state, scheduled_at)
		values ('prune_sessions', '{}', 3, 'scheduled', now() + interval '1 s') returning id`)
	web := start(t, url, []string{"WEB_POOL=2"}, "web")
	eventually(t, pool, "all schedules run, once for all missed runs", `select array_agg(missed > 0 and outcome = 'enqueued')
		= '{t,t,t,t}' from work.tick`)
	eventually(t, pool, "the job comes due", "select state = 'available' from river.river_job where id = $1", id)
	eventually(t, pool, "what needs attention is kept", `select list @> '[{"code": "no_worker"}]' from work.finding`)
	eventually(t, pool, "the web process leads", "select count(*) = 1 from river.river_leader")
	if n := valueOf[int](t, pool, `select count(*)::int from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
		and application_name like 'backlist%'`); n > 3 {
		t.Errorf("the web process has %d connections, want at most two and its listener", n)
	}
	web.tell(syscall.SIGTERM)
	t.Logf("ended %s after SIGTERM", web.exits())
	if n := valueOf[int](t, pool, "select count(*)::int from river.river_leader"); n != 0 {
		t.Error("the stopped web process is still the leader")
	}
	if line := regexp.MustCompile(`level=(ERROR|WARN).*`).FindString(web.output()); line != "" {
		t.Error(line)
	}
}
