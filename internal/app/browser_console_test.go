package app

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/busy"
	"github.com/backlist/backlist/internal/testdb"
)

// operatorsInBrowser has a web process on a database in which a release broke a kind. No worker runs, so that what an operator
// changes stays as it is; there are only records of workers.
func operatorsInBrowser(t *testing.T, browser context.Context) {
	s := &testSite{t: t, db: testdb.NewURL(t), browser: browser}
	broken, err := busy.ReleaseBroke(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	s.web = s.startWeb(t, "0")
	s.pretendWorker("busy")
	c := &testConsole{testSite: s, broken: broken}
	t.Run("journeys", func(t *testing.T) {
		walk(t, []journey{
			{"accessibility", c.accessibility}, // the longest first
			{"live", c.live},
			{"drain a worker", c.drainWorker},
			{"pause a queue", c.pauseQueue},
			{"set a wait target", c.waitTarget},
			{"save a search", c.saveSearch},
			{"a release broke a kind", func(t *testing.T) {
				t.Run("all", c.releaseBroke)
				t.Run("ticked", c.bulk) // afterwards, because it acts on the same jobs
			}},
			{"acts on a job", c.jobActs},
			{"acts on an error", c.errorActs},
			{"a row moves", c.movedRow},
			{"keyboard", c.keyboard},
			{"palette", c.palette},
			{"copy", c.copy},
			{"without JavaScript", c.withoutJavaScript},
			{"roles", c.roles},
			{"sign in and come back", c.signInAndComeBack},
			{"the password again", c.passwordAgain},
		})
	})
}

// testConsole is the site's console with a broken kind, which the journeys share.
type testConsole struct {
	*testSite
	broken busy.Broken
}

// openFor opens a tab in which a new account with a role is signed in.
func (c *testConsole) openFor(t *testing.T, role string, with ...step) (*account, *tab) {
	t.Helper()
	r := c.newReader(t, role)
	c.give(t, r, role)
	return r, c.openAs(t, r, with...)
}

// give gives an account a role.
func (c *testConsole) give(t *testing.T, r *account, role string) {
	t.Helper()
	if _, _, err := inProcess(t, map[string]string{"DATABASE_URL": c.db}, "operator", "add", r.Email, "--role", role); err != nil {
		t.Fatal(err)
	}
}

// pretendWorker records a worker that is alive, with a heartbeat that lasts for the test. Its id and process have that name.
func (s *testSite) pretendWorker(name string) {
	s.t.Helper()
	s.exec(`insert into work.worker (id, dyno, release, slots, running, rss_bytes, lock_key, started_at, seen_at)
		values ($1, $1, 'v42', 10, 0, 52428800, 0, now() - interval '3 h', now() + interval '1 h')`, name)
}

// exec runs a statement in the site's database.
func (s *testSite) exec(sql string, args ...any) {
	s.t.Helper()
	ctx := context.WithoutCancel(s.t.Context())
	conn, err := pgx.Connect(ctx, s.db)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}
