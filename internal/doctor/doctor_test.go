package doctor

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// well is a healthy database: with a live worker, a leader, a schedule that is not due, and a new job.
const well = `
insert into work.kind (kind) values ('send');
insert into work.worker (id, dyno, release, slots, lock_key, queues, kinds, seen_at) values
	('w1', 'worker.1', 'v1', 10, 1, '{default,mail}', '{send}', now() + interval '1 hour');
insert into river.river_queue (name, updated_at) values ('default', now()), ('mail', now());
insert into river.river_leader (leader_id, elected_at, expires_at) values ('w1', now(), now() + interval '1 hour');
insert into river.river_job (id, kind, queue, state, args, max_attempts) values (1, 'send', 'mail', 'available', '{}', 5);
insert into work.schedule (name, kind, spec, words, missed, next_at, dirty) values ('nightly', 'send', '0 4 * * *', 'every day at 04:00', 'once', now() + interval '1 h', false);
`

// exam returns the exam of a database.
func exam(t *testing.T, databaseURL string) *Exam {
	t.Helper()
	cfg, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	return &Exam{Config: cfg, Release: "v1", Now: time.Now, Patience: time.Minute, NoticeTime: time.Minute}
}

// finds fails the test unless a check has a finding of this level with these words.
func finds(t *testing.T, found []Finding, check string, level Level, words string) {
	t.Helper()
	for _, f := range found {
		if f.Check == check && f.Level == level && strings.Contains(f.Says+" → "+f.Do, words) {
			return
		}
	}
	t.Errorf("no finding %s of %s with %q among:", level, check, words)
	for _, f := range found {
		t.Logf("%s %s: %s → %s", f.Level, f.Check, f.Says, f.Do)
	}
}

func TestWell(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, well)
	found := exam(t, pool.Config().ConnString()).Run(t.Context())
	checks := map[string]bool{}
	for _, f := range found {
		checks[f.Check] = true
		if f.Level != OK || !strings.HasSuffix(f.Says, ".") || f.Do != "" {
			t.Errorf("%+v", f)
		}
	}
	if len(checks) != 18 || Worst(found) != OK { // kinds has no finding in a healthy database
		t.Errorf("%d checks: %v", len(checks), checks)
	}
}

const scaled = "insert into work.scale_target (process_type, mode, max_wait, min, max, set_at, set_by) "

// TestConditions creates each condition, and checks that it is found.
func TestConditions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql   string
		check string
		level Level
		words string
	}{
		{"update river.river_queue set paused_at = now() where name = 'mail'", "queues", Warn, "Queue mail has been paused since"},
		{"select jobs.pause('mail', 'too much')", "queues", Warn, "(too much); 1 jobs wait in it."},
		{"update work.worker set stopped_at = now()", "workers", Broken, "No worker is alive, and 1 jobs wait."},
		{"update work.worker set stopped_at = now(); delete from river.river_job", "workers", Warn, "No job waits yet."},
		{"update work.worker set seen_at = now() - interval '15 s'", "workers", Warn, "Worker w1 has sent no heartbeat"},
		{"update work.worker set draining = true", "workers", Warn, "All live workers (1) are draining"},
		{"update work.worker set queues = '{default}'", "queues", Broken, "1 jobs wait in queue mail, which no live worker takes."},
		{"update work.worker set kinds = '{other}'", "kinds", Broken, "1 jobs of kind send wait"},
		{"update work.worker set release = 'v0'", "releases", Warn, "Workers run release v0, and this is v1."},
		{"insert into work.worker (id, release, slots, lock_key) values ('w2', 'v2', 1, 2)", "releases", Warn, "several releases are alive: v1, v2."},
		{"update river.river_leader set elected_at = now() - interval '1 h', expires_at = now() - interval '1 min'", "leader", Warn, "No process leads: finished jobs and unused queues are not deleted."},
		{"update river.river_job set scheduled_at = now() - interval '90 m'", "waiting", Warn, "The oldest job of queue mail has waited for 1 h 3"},
		{"update work.schedule set next_at = now() - interval '1 h'", "schedules", Broken, "Schedule nightly (every day at 04:00) has been overdue since"},
		{"update work.schedule set broken = 'zone: no such zone'", "schedules", Broken, "Schedule nightly is broken. zone: no such zone. → Correct it"},
		{scaled + "values ('worker', 'on', '30 s', 1, 2, now() - interval '1 h', 'a test')", "scale", Warn, "No web process decides about it."},
		{"delete from work.migration where version = (select max(version) from work.migration)", "schema", Broken, "backlist migrate"},
		{"delete from river.river_migration where version = (select max(version) from river.river_migration)", "schema", Broken, "backlist migrate"},
		{"create or replace function jobs.version() returns text language sql immutable return 'another'", "surface", Warn, "another"},
		{"drop schema jobs cascade", "surface", Broken, "backlist migrate"},
		{"update pg_index set indisvalid = false where indexrelid = 'river.river_job_pkey'::regclass", "health", Broken, "Index river_job_pkey"},
	} {
		t.Run(c.check+" "+c.words, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			do(t, pool, well)
			do(t, pool, c.sql)
			found := exam(t, pool.Config().ConnString()).Run(t.Context())
			finds(t, found, c.check, c.level, c.words)
			if c.level == Broken && Worst(found) != Broken || c.level == Warn && Worst(found) == OK {
				t.Errorf("the worst is %s", Worst(found))
			}
		})
	}
}

// TestOpenTransaction: an idle transaction is reported, with the statement that ends it.
func TestOpenTransaction(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, well)
	conn, err := pgx.Connect(t.Context(), pool.Config().ConnString()+"&application_name=forgetful")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "begin; select 1"); err != nil {
		t.Fatal(err)
	}
	e := exam(t, pool.Config().ConnString())
	finds(t, e.Run(t.Context()), "transactions", OK, "No transaction")
	e.Patience = 0
	found := e.Run(t.Context())
	finds(t, found, "transactions", Broken, "(forgetful) is idle in transaction")
	finds(t, found, "transactions", Broken, "pg_terminate_backend(")
}

// TestClock: a clock that is off by more than a second in either direction is found.
func TestClock(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	for off, words := range map[time.Duration]string{2 * time.Second: "ahead of the database's", -time.Minute: "behind the database's"} {
		e := exam(t, databaseURL)
		e.Now = func() time.Time { return time.Now().Add(off) }
		finds(t, e.Run(t.Context()), "clock", Warn, words)
	}
}

// TestRole: the missing rights of a role are reported.
func TestRole(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	role := "role_" + strings.ToLower(rand.Text())
	do(t, pool, "create role "+role+" login; grant usage on schema jobs, river to "+role)
	t.Cleanup(func() {
		if _, err := pool.Exec(context.WithoutCancel(t.Context()), "drop owned by "+role+"; drop role "+role); err != nil {
			t.Error(err)
		}
	})
	found := exam(t, pool.Config().ConnString()+"&role="+role).Run(t.Context())
	finds(t, found, "rights", Broken, "may not delete in river.river_job.")
	finds(t, found, "rights", Broken, "more rights are missing.")
}

// TestFull: if a second connection is refused, that is reported, and the other checks run all the same.
func TestFull(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, well)
	role := "role_" + strings.ToLower(rand.Text())
	password := rand.Text()
	do(t, pool, "create role "+role+" login connection limit 1 password '"+password+"'; grant all on all tables in schema work, river, jobs to "+role+
		"; grant usage on schema work, river, jobs to "+role)
	t.Cleanup(func() {
		if _, err := pool.Exec(context.WithoutCancel(t.Context()), "drop owned by "+role+"; drop role "+role); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(pool.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	found := exam(t, u.String()).Run(t.Context())
	finds(t, found, "connections", Broken, "A second connection was refused: too many connections for role")
	finds(t, found, "rights", OK, "has all rights")
}

func TestAway(t *testing.T) {
	t.Parallel()
	found := exam(t, "postgres://odo:s3cr3t@127.0.0.1:1/none").Run(t.Context())
	if len(found) != 1 || strings.Contains(found[0].Says, "s3cr3t") {
		t.Errorf("%+v", found)
	}
	finds(t, found, "database", Broken, "The database cannot be reached: connection refused.")
}

// TestEmpty: a database that is not migrated.
func TestEmpty(t *testing.T) {
	t.Parallel()
	found := exam(t, testdb.NewEmptyURL(t)).Run(t.Context())
	finds(t, found, "schema", Broken, "backlist migrate")
}

// TestServer: properties of a server that the test cannot create.
func TestServer(t *testing.T) {
	t.Parallel()
	for major, want := range map[int]Level{14: Broken, 15: OK, 18: OK, 19: Warn} {
		if got := versionIs(major)[0].Level; got != want {
			t.Errorf("Postgres %d: %s", major, got)
		}
	}
	for _, c := range []struct {
		host      string
		encrypted bool
		want      Level
	}{
		{"localhost", false, OK},
		{"127.0.0.1", false, OK},
		{"::1", false, OK},
		{"/tmp", false, OK},
		{"db.example.org", false, Warn},
		{"10.0.0.7", false, Warn},
		{"db.example.org", true, OK},
	} {
		if got := tlsIs(c.host, c.encrypted)[0].Level; got != c.want {
			t.Errorf("%s, encrypted %v: %s", c.host, c.encrypted, got)
		}
	}
}

func do(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
