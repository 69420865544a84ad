package work

import (
	"embed"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work/metadata"
)

//go:embed sql/*.sql pilot/sql/*.sql record/sql/*.sql schedule/sql/*.sql
var statements embed.FS

func readStatement(t *testing.T, name string) string {
	t.Helper()
	text, err := statements.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAliveAsDeclared: a worker leaves jobs.live at the same age at which other workers declare it dead.
func TestAliveAsDeclared(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	var live string
	_, err := tx.Exec(t.Context(), `insert into work.worker (id, dyno, release, slots, lock_key, seen_at) values
		('at', 'worker.1', 'v1', 1, 1, now() - make_interval(secs => $1)),
		('before', 'worker.2', 'v1', 1, 1, now() - make_interval(secs => $1) + interval '1 us')`, silentDead.Seconds())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.QueryRow(t.Context(), "select string_agg(worker, ' ') from jobs.live").Scan(&live); err != nil || live != "before" {
		t.Errorf("alive: %q, %v", live, err)
	}
}

// TestTransactionsEndAsWorkersDo: a transaction whose client has vanished holds its locks no longer than a worker continues without
// a heartbeat.
func TestTransactionsEndAsWorkersDo(t *testing.T) {
	t.Parallel()
	limit := regexp.MustCompile(`'idle_in_transaction_session_timeout', '(\w+)'`)
	for _, name := range []string{"sql/finish.sql", "sql/hold.sql", "schedule/sql/due_schedule.sql", "pilot/sql/lock.sql"} {
		found := limit.FindStringSubmatch(readStatement(t, name))
		if found == nil {
			t.Errorf("%s sets no limit", name)
		} else if d, err := time.ParseDuration(found[1]); err != nil || d != stopAfter {
			t.Errorf("%s has %s, a worker %s (%v)", name, found[1], stopAfter, err)
		}
	}
}

// TestStatementsAgree: files that must contain the same text do.
func TestStatementsAgree(t *testing.T) {
	t.Parallel()
	body := func(name string) (list []string) {
		_, sql, _ := strings.Cut(readStatement(t, name), "\nupdate ")
		return strings.Split(sql, "\n")
	}
	fetch, isolated := body("pilot/sql/fetch.sql"), body("pilot/sql/fetch_isolated.sql")
	var more []string
	for _, line := range isolated {
		if len(fetch) > 0 && line == fetch[0] {
			fetch = fetch[1:]
		} else {
			more = append(more, strings.TrimSpace(line))
		}
	}
	paused := "and not exists (select from river.river_queue q where q.name = river_job.metadata ->> 'queue' and q.paused_at is not null)"
	if len(fetch) > 0 || len(more) != 1 || more[0] != paused {
		t.Errorf("fetch.sql has %q more, fetch_isolated.sql %q", fetch, more)
	}
	if !strings.Contains(readStatement(t, "pilot/sql/turn_isolated.sql"), paused) {
		t.Errorf("turn_isolated.sql looks for other jobs than fetch_isolated.sql takes")
	}

	fetch = body("pilot/sql/fetch.sql")
	behind := strings.Join(body("pilot/sql/fetch_behind.sql"), "\n")
	returning := slices.IndexFunc(fetch, func(line string) bool { return strings.HasPrefix(line, "returning ") })
	if !strings.HasPrefix(behind, strings.Join(fetch[:4], "\n")) || !strings.HasSuffix(behind, strings.Join(fetch[returning:], "\n")) {
		t.Errorf("fetch_behind.sql sets or returns something else than fetch.sql")
	}

	for name, keys := range map[string][]string{
		"sql/rescue.sql": {
			metadata.Deaths, metadata.Rescues, metadata.RescuedAt, metadata.RescuedFrom, metadata.RescueCode, metadata.Queue,
			CodePoisonPill, CodeWorkerDied, CodeWorkerStopped, CodeNotReceived, CodeUnregistered,
		},
		"sql/finish.sql":      {metadata.Cursor, "{" + metadata.Progress + "}"},
		"sql/progress.sql":    {"{" + metadata.Progress + "}"},
		"sql/keep_cursor.sql": {"{" + metadata.Cursor + "}"},
	} {
		for _, key := range keys {
			if !strings.Contains(readStatement(t, name), "'"+key+"'") {
				t.Errorf("%s does not write %s", name, key)
			}
		}
	}

	lock := func(name string) string {
		_, sql, _ := strings.Cut(readStatement(t, name), "select from pg_locks l")
		sql, _, _ = strings.Cut(sql, "4294967295)::oid")
		return strings.Join(strings.Fields(sql), " ")
	}
	if beat, rescue := lock("sql/heartbeat.sql"), lock("sql/rescue.sql"); beat != rescue || beat == "" {
		t.Errorf("heartbeat.sql looks for the lock as %q, rescue.sql as %q", beat, rescue)
	}
}

// TestStatementsPrepare: Postgres accepts every file, and none names schema river once it is rewritten for another schema.
func TestStatementsPrepare(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	ours := regexp.MustCompile(`\briver\.`)
	for _, dir := range []string{"sql", "pilot/sql", "record/sql", "schedule/sql"} {
		entries, err := statements.ReadDir(dir)
		if err != nil || len(entries) == 0 {
			t.Fatal(dir, entries, err)
		}
		for _, entry := range entries {
			text := readStatement(t, dir+"/"+entry.Name())
			sql, _, err := pgx.NamedArgs{}.RewriteQuery(t.Context(), nil, db.Statement(text, db.RiverSchema), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Prepare(t.Context(), "", sql); err != nil {
				t.Fatalf("%s/%s: %v", dir, entry.Name(), err)
			}
			if other := db.Statement(text, "Other"); ours.MatchString(other) {
				t.Errorf("%s/%s names schema river: %s", dir, entry.Name(), other)
			}
		}
	}
}
