package db_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
)

// TestAliveIsDefinedOnce: only live.sql defines which workers are alive, what each takes and which of them runs a job.
func TestAliveIsDefinedOnce(t *testing.T) {
	t.Parallel()
	definition := regexp.MustCompile(`interval '12 ?s|attempted_by\[|(queues|kinds) = '{}'`) // 12 s are silentDead of internal/work
	files, err := filepath.Glob("jobs/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := len(definition.FindAll(text, -1)); found > 0 != (filepath.Base(file) == "live.sql") {
			t.Errorf("%s has %d definitions", file, found)
		}
	}
}

// TestRunnerIsInlined: Postgres inlines jobs.runner, so that it costs a query nothing.
func TestRunnerIsInlined(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	plan := strings.Join(list(t, tx, "explain (verbose) select worker from jobs.job"), "\n")
	if strings.Contains(plan, "runner(") || !strings.Contains(plan, "array_upper(") {
		t.Error(plan)
	}
}

// TestTakesIsInlined: Postgres inlines jobs.takes, so that it costs a query nothing.
func TestTakesIsInlined(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	plan := strings.Join(list(t, tx, "explain (verbose) select j.waiting, q.workers, k.workers from jobs.job j, jobs.queue q, jobs.kind k"), "\n")
	if strings.Contains(plan, "takes(") || strings.Contains(plan, "placeholder(") || !strings.Contains(plan, "'alone'") {
		t.Error(plan)
	}
}

// TestLiveAgreesWithWorker: the workers that are alive in jobs.worker are those in jobs.live.
func TestLiveAgreesWithWorker(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	do(t, tx, `insert into work.release (name) values ('v1');
		insert into work.worker (id, dyno, release, slots, lock_key, seen_at, stopped_at, dead_at) values
		('beats', 'worker.1', 'v1', 1, 1, now(), null, null),
		('late', 'worker.2', 'v1', 1, 1, now() - interval '11.999 s', null, null),
		('silent', 'worker.3', 'v1', 1, 1, now() - interval '12 s', null, null),
		('stopped', 'worker.4', 'v1', 1, 1, now(), now(), null),
		('dead', 'worker.5', 'v1', 1, 1, now(), null, now())`)
	for sql, want := range map[string]string{
		"select string_agg(worker, ' ' order by worker) from jobs.live":                                     "beats late",
		"select string_agg(worker, ' ' order by worker) from jobs.worker where alive":                       "beats late",
		"select string_agg(worker || ' ' || status, ', ' order by worker) from jobs.worker where not alive": "dead dead, silent silent, stopped stopped",
		"select workers::text from jobs.release where release = 'v1'":                                       "2",
	} {
		if got := ask(t, tx, sql); got != want {
			t.Errorf("%s: got %q, want %q", sql, got, want)
		}
	}
}

// TestStatementAgreesWithRunner: the expression that a process runs in place of jobs.runner has the same result.
func TestStatementAgreesWithRunner(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	sql := `select coalesce(string_agg(coalesce(jobs.runner(attempted_by), 'null') || coalesce(jobs.runner(j.attempted_by), 'null'), ' '), '')
		from (values (null::text[]), ('{}'), ('{a}'), ('{a,b}'), ('[0:1]={a,b}'), ('{a,null}'), ('{{a,b},{c,d}}')) j (attempted_by)`
	statement := db.Statement(sql, db.RiverSchema)
	if strings.Contains(statement, "jobs.") {
		t.Errorf("it depends on schema jobs: %s", statement)
	}
	if got, want := ask(t, tx, statement), ask(t, tx, sql); got != want || got != "nullnull nullnull aa bb bb nullnull nullnull" {
		t.Errorf("got %q, jobs.runner gives %q", got, want)
	}
}
