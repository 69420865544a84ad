package app

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// TestMigrateCommand runs migrate twice at once on an empty database, then again, and starts processes on newer and older
// schemas.
func TestMigrateCommand(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewEmptyURL(t)
	pool := openPool(t, databaseURL)
	for _, kind := range []string{"web", "worker"} {
		out, err := outcome(t, launch(t, databaseURL, nil, kind))
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 ||
			!strings.HasSuffix(out, "backlist: the database schema is older than this release; run: backlist migrate") {
			t.Errorf("%s on an empty database: %v\n%s", kind, err, out)
		}
	}
	const once = `select count(*) from pg_tables where schemaname = 'work' and tablename = 'migration'`
	if n := valueOf[int](t, pool, once); n != 0 {
		t.Error("web or worker began to migrate")
	}
	both := [2]*process{launch(t, databaseURL, nil, "migrate"), launch(t, databaseURL, nil, "migrate")}
	lines := finished(t, both[0]) + "\n" + finished(t, both[1])
	if n := strings.Count(lines, "name=001_reader"); n != 1 {
		t.Errorf("the first migration was applied %d times:\n%s", n, lines)
	}
	if out := finished(t, launch(t, databaseURL, nil, "migrate")); strings.Contains(out, "migrated") || strings.Contains(out, "replaced") {
		t.Errorf("a third migrate found something to do:\n%s", out)
	}

	const rewind = `delete from work.migration where version = (select max(version) from work.migration)`
	before := valueOf[int](t, pool, "select count(*) from work.migration")
	newer := `insert into work.migration (version, name) values (900, '900_from_the_future')`
	for _, c := range []struct {
		sql   string
		ready bool
	}{{newer, true}, {rewind, true}, {rewind, false}} { // newer than ours, ours again, older than ours
		if _, err := pool.Exec(t.Context(), c.sql); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"web", "worker"} {
			p := launch(t, databaseURL, nil, kind)
			if c.ready {
				p.waitFor(readyLine)
				p.tell(syscall.SIGTERM)
				p.exits()
				continue
			}
			if out, err := outcome(t, p); err == nil || !strings.Contains(out, "older than this release") {
				t.Errorf("%s on an older schema: %v\n%s", kind, err, out)
			}
		}
	}
	if n := valueOf[int](t, pool, "select count(*) from work.migration"); n != before-1 {
		t.Errorf("%d migrations are recorded, %d before", n, before)
	}
}
