package db_test

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/testdb"
)

// reported is the data for the reports and the cookbook, in addition to that of the surface's tests.
const reported = what + `
insert into work.kind (kind) values ('recommend_reader');
insert into river.river_job (id, kind, queue, state, attempt, max_attempts, args, metadata, scheduled_at, attempted_at, attempted_by, finalized_at, errors) values
    (4711, 'recommend_reader', 'default', 'available', 0, 25, '{"reader_id": 7}', '{"request_id": "r1"}', now() - interval '30 s', null, null, null, null),
    (4712, 'recommend_reader', 'default', 'discarded', 5, 5, '{"reader_id": 7}', '{}', now(), now(), '{w1}', now(), '{"{\"error\": \"no\"}"}'),
    (4713, 'recommend_reader', 'default', 'running', 1, 5, '{"reader_id": 1}', '{}', now() - interval '3 h', now() - interval '2 h', '{w1}', null, null),
    (4714, 'recommend_reader', 'default', 'retryable', 1, 5, '{"reader_id": 1}', '{}', now() - interval '1 h', now() - interval '2 h', '{w1}', null, '{"{\"error\": \"no\"}"}'),
    (4715, 'recommend_reader', 'default', 'scheduled', 0, 5, '{"reader_id": 2}', '{}', '-infinity', null, null, null, null);
insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, request_id, due_at, started_at, ended_at, error, fingerprint) values
    (4711, 1, 'recommend_reader', 'default', 'handed back', 'w1', 'v1', 'r1', now() - interval '3 s', now() - interval '2 s', now() - interval '1 s', null, null),
    (4712, 5, 'recommend_reader', 'default', 'discarded', 'w1', 'v2', null, now() - interval '3 s', now() - interval '2 s', now() - interval '1 s', 'no', 'f1');
update work.schedule set next_at = now() - interval '1 hour';
insert into work.audit (act, job_id, reason) values ('retry', 5, 'because');
`

// TestReports runs each report with psql, as its first lines tell users to.
func TestReports(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	do(t, pool, reported+"update river.river_queue set paused_at = now() where name = 'mail'")
	do(t, pool, "update work.worker set seen_at = now() + interval '1 day'") // however long the reports take, it counts as alive
	for name, says := range map[string][]string{
		"stuck": {
			"its queue is paused | mail | send | 1", "no live worker takes this kind | default", "4714 | recommend_reader | default | retryable | 01:",
			"4713 | recommend_reader | 02:", "mail | t", "other | f", "nightly | sweep",
		},
		"slowest":         {"count", "05:03:20", "100.0", "4712"},
		"errors":          {"v2", "100.00", "f1", "recommend_reader", "| no"},
		"reader":          {"Jobs of reader 1", "4713", "4714", "(2 rows)"},
		"reader reader=7": {"Jobs of reader 7", "4711", "4712", "handed back", "/orders/{id}"},
		"connections":     {"connections", "of ", "worker.1", "idle"},
		"bloat":           {"river.river_job", "river_job_pkey", "available"},
		"week":            {"8190", "910", "count", "f1", "retry", "because"},
	} {
		out := report(t, pool, name)
		squeezed := strings.Join(strings.Fields(out), " ")
		for _, want := range says {
			if !strings.Contains(squeezed, want) {
				t.Errorf("%s does not print %q:\n%s", name, want, out)
			}
		}
	}
}

// report returns the output of psql for a report, whose name may be followed by a variable.
func report(t *testing.T, pool *pgxpool.Pool, name string) string {
	t.Helper()
	psql, err := osexec.LookPath("psql")
	if err != nil {
		if os.Getenv("BACKLIST_CI") != "" {
			t.Fatal("this test needs psql, which is not installed")
		}
		t.Skip("this test needs psql, which is not installed")
	}
	file, setting, hasSetting := strings.Cut(name, " ")
	args := []string{"-X", "-v", "ON_ERROR_STOP=1", "-f", "reports/" + file + ".sql", pool.Config().ConnString()}
	if hasSetting {
		args = append([]string{"-v", setting}, args...)
	}
	out, err := osexec.CommandContext(t.Context(), psql, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// TestReportsSayWhatTheyAre: each report begins with what it shows and how to run it, and TestReports tests each of
// them.
func TestReportsSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("reports/*.sql")
	if err != nil || len(files) != 7 {
		t.Error(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(text), "\\")
		if !strings.HasPrefix(head, "-- ") || !strings.Contains(head, "heroku pg:psql -f db/"+file) || !strings.Contains(head, "-f db/"+file) {
			t.Errorf("%s begins with %q", file, head)
		}
		if name := regexp.MustCompile(`(?i)\b(?:from|join)\s+(?:river|work|public)\.`).Find(text); name != nil {
			t.Errorf("%s reads outside schema jobs: %s", file, name)
		}
	}
}

// TestCookbook runs every statement of the cookbook in one transaction: none fails, and each returns rows.
func TestCookbook(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("reports/cookbook.md")
	if err != nil {
		t.Fatal(err)
	}
	tx := testdb.Tx(t)
	do(t, tx, reported)
	questions := regexp.MustCompile("(?s)\n\\*\\*(\\d+\\. [^*]+)\\*\\*[^`]*(?:`[^`\n]+`[^`]*)*```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(questions) != 30 || strings.Count(string(text), "```sql") != 30 {
		t.Fatalf("%d questions, %d statements", len(questions), strings.Count(string(text), "```sql"))
	}
	for _, q := range questions {
		rows, err := tx.Query(t.Context(), strings.TrimSuffix(strings.TrimSpace(q[2]), ";"))
		if err == nil {
			_, err = pgx.CollectRows(rows, pgx.RowToMap)
		}
		if err != nil {
			t.Fatalf("%s: %v", q[1], err)
		}
		if n := rows.CommandTag().RowsAffected(); n == 0 {
			t.Errorf("%s: no rows", q[1])
		}
		if regexp.MustCompile(`\b(river|work|public)\.`).MatchString(q[2]) {
			t.Errorf("%s reads outside schema jobs", q[1])
		}
	}
	if did := ask(t, tx, "select string_agg(distinct act, ' ' order by act) from jobs.audit"); did != "cancel copy enqueue pause retry set_wait_target snooze start_bulk undo" {
		t.Errorf("the cookbook did: %s", did)
	}
}
