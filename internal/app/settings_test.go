package app

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work/worktest"
)

// hostile are settings of a database under which nothing works unless every connection overrides them.
const hostile = `
	set default_transaction_isolation = serializable; set statement_timeout = '50ms'; set lock_timeout = '1ms';
	set idle_in_transaction_session_timeout = '1ms'; set idle_session_timeout = '400ms'; set search_path = ''; set row_security = off;
	set "TimeZone" = 'Asia/Kathmandu'; set "DateStyle" = 'German'; set "IntervalStyle" = sql_standard; set bytea_output = escape;
	set extra_float_digits = -9; set standard_conforming_strings = off; set client_encoding = 'LATIN1'; set default_transaction_read_only = on`

// makeHostile applies settings to a database, and returns a pool that overrides them.
func makeHostile(t *testing.T, databaseURL, settings string) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.RuntimeParams["default_transaction_isolation"] = "read committed"
	cfg.ConnConfig.RuntimeParams["default_transaction_read_only"] = "off"
	for name, value := range map[string]string{"statement_timeout": "0", "lock_timeout": "0", "idle_session_timeout": "0", "search_path": "public"} {
		cfg.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for setting := range strings.SplitSeq(settings, ";") {
		sql := "alter database " + pgx.Identifier{cfg.ConnConfig.Database}.Sanitize() + setting
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return pool
}

// TestHostileSettings: on direct connections the database's settings do not matter. Commands, a web process and a worker do
// their work, no attempt fails, no connection is lost, and doctor has only hints.
func TestHostileSettings(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := makeHostile(t, databaseURL, hostile)
	finished(t, launch(t, databaseURL, nil, "migrate"))
	finished(t, launch(t, databaseURL, nil, "seed", "--demo"))
	worker := start(t, databaseURL, []string{"WORKER_POOL=6"}, "worker")
	web := start(t, databaseURL, []string{"WEB_POOL=2"}, "web")
	reader := newCaller("")
	reader.base = func() string { return web.URL }
	reader.signUp(t, "Ada", "ada@example.org")
	for _, book := range valueOf[[]int64](t, pool, "select array_agg(id) from (select id from book order by id limit 3) b") {
		reader.must(t, http.StatusSeeOther, bookPath(book, "rating"), url.Values{"stars": {"5"}})
	}
	eventually(t, pool, "all jobs are done", `select count(*) filter (where state = 'completed') > 200
		and bool_and(state = 'completed' or kind = 'rebuild_neighbours' or scheduled_at > now()) from river.river_job`)
	reader.must(t, http.StatusOK, "/recommendations", nil)
	id := valueOf[string](t, pool, "select id::text from jobs.enqueue('prune_sessions', '{}')")
	eventually(t, pool, "the job is done", "select state = 'completed' from river.river_job where id = $1::text::bigint", id)
	for _, c := range [][2]string{
		{"jobs show " + id, "completed"}, {"jobs list --kind prune_sessions", "prune_sessions"}, {"jobs workers", "worker-"}, {"jobs retry " + id, "1 job"},
	} {
		if out, code := shell(t, databaseURL, c[0]); code != 0 || !strings.Contains(out, c[1]) {
			t.Errorf("%s: %d %s", c[0], code, out)
		}
	}
	eventually(t, pool, "the job is done again", "select state = 'completed' from river.river_job where id = $1::text::bigint", id)
	eventually(t, pool, "attempts are recorded", "select count(*) > 200 from work.attempt")
	if n := valueOf[int](t, pool, "select count(*)::int from work.attempt where outcome <> 'completed'"); n != 0 {
		t.Errorf("%d attempts did not complete", n)
	}
	out, _ := shell(t, databaseURL, "doctor")
	if !strings.Contains(out, "default_transaction_isolation is 'serializable'") || regexp.MustCompile(`(?m)^(broken|warning) +defaults`).MatchString(out) {
		t.Error(out)
	}
	for _, p := range []*process{worker, web} {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		if line := regexp.MustCompile(`level=ERROR.*|.*(is lost|rescued|failed).*`).FindString(p.output()); line != "" {
			t.Error(line)
		}
	}
}

// TestHostileSettingsThroughAPooler: through a pooler the settings cannot be overridden, so commands refuse to start and print
// the statements that repair them. Then everything works, even a web process that is not told of the pooler.
func TestHostileSettingsThroughAPooler(t *testing.T) {
	t.Parallel()
	direct := testdb.NewURL(t)
	pool := makeHostile(t, direct, " set default_transaction_isolation = serializable; set statement_timeout = '50ms'")
	pooled := worktest.Pooler(t, direct)
	repairs := regexp.MustCompile(`ALTER ROLE .*;`)
	var repair []string
	for _, args := range [][]string{{"migrate"}, {"web"}, {"worker"}} {
		out, err := outcome(t, launch(t, pooled, []string{"WORKER_POLL_ONLY=yes", "WORKER_POOL=2", "WEB_POOL=2"}, args...))
		repair = repairs.FindAllString(out, -1)
		if err == nil || len(repair) != 2 || !strings.Contains(out, "statement_timeout = '50' (set by database t_") {
			t.Fatalf("%s: %v %q\n%s", args, err, repair, out)
		}
	}
	if out, code := shell(t, pooled, "doctor"); code != 2 || len(repairs.FindAllString(out, -1)) != 2 {
		t.Errorf("doctor: %d %s", code, out)
	}
	for _, sql := range repair {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	pooled = worktest.Pooler(t, direct) // with new connections
	if out, err := outcome(t, launch(t, pooled, nil, "worker")); err == nil || !strings.Contains(out, "set WORKER_POLL_ONLY=yes") {
		t.Errorf("a worker without WORKER_POLL_ONLY: %v\n%s", err, out)
	}
	finished(t, launch(t, pooled, nil, "migrate"))
	finished(t, launch(t, pooled, nil, "seed"))
	web := start(t, pooled, []string{"WEB_POOL=2"}, "web")
	reader := newCaller("")
	reader.base = func() string { return web.URL }
	reader.signUp(t, "Ada", "ada@example.org")
	if err := web.stop(); err != nil {
		t.Error(err)
	}
}
