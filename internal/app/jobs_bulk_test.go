package app

import (
	"strings"
	"syscall"
	"testing"

	"github.com/backlist/backlist/internal/testdb"
)

// TestBulkProcesses: a web process alone works on a bulk act, and so does a worker alone, while every queue is paused.
func TestBulkProcesses(t *testing.T) {
	t.Parallel()
	url := testdb.NewURL(t)
	pool := openPool(t, url)
	if _, err := pool.Exec(t.Context(), `insert into river.river_queue (name, updated_at) values ('default', now()); select jobs.pause('*');
		insert into river.river_job (kind, args, max_attempts, state, finalized_at) select 'none', '{}', 3, 'discarded', now() from generate_series(1, 20);
		select jobs.start_bulk('retry', 'state:discarded', 20, 20)`); err != nil {
		t.Fatal(err)
	}
	const done = "select count(*) = $1 from jobs.bulk where state = 'done' and changed = 20"
	web := start(t, url, []string{"WEB_POOL=2"}, "web")
	eventually(t, pool, "the web process works on the act", done, 1)
	web.tell(syscall.SIGTERM)
	web.exits()
	if out, code := shell(t, url, "jobs bulk undo 1"); code != 0 {
		t.Fatal(out)
	}
	worker := start(t, url, nil, "worker")
	eventually(t, pool, "the worker undoes it", done, 2)
	worker.tell(syscall.SIGTERM)
	worker.exits()
}

// TestJobsBulk: the commands start, show and stop bulk acts, and say why they cannot.
func TestJobsBulk(t *testing.T) {
	t.Parallel()
	databaseURL := shop(t)
	pool := openPool(t, databaseURL)
	for _, c := range []struct {
		line  string
		code  int
		want  string
		check string // SQL that is true afterwards
	}{
		{"jobs bulk list", 1, "jobs.bulk is empty", "select true"},
		{"jobs bulk start retry", 2, "usage: backlist jobs bulk start ACT SEARCH", "select true"},
		{"jobs bulk start drop state:discarded", 2, `"drop" is not an act on jobs`, "select true"},
		{"jobs bulk start delete kind:count", 2, "say which states", "select true"},
		{"jobs bulk start retry kin:count", 2, `There is no key "kin"`, "select true"},
		{"jobs bulk start retry kind:count --for 2h", 2, "--until and --for are for snooze", "select true"},
		{"jobs bulk start snooze kind:count", 2, "say how long: --for 2h", "select true"},
		{"jobs bulk start run-now kind:count,send", 1, "This would run now 2 jobs:\n  4  count, retryable\n  7  count, scheduled\nnothing was changed: add --yes", "select count(*) = 0 from jobs.bulk"},
		{"jobs bulk start run-now state:available --json", 1, `"HighestID": `, "select count(*) = 0 from jobs.bulk"},
		{"jobs bulk start retry kind:count --yes --who anna", 0, "Bulk act 1 was started. To follow it: backlist jobs bulk show 1", "select act = 'retry' and who = 'anna' and expected = 3 from jobs.bulk"},
		{"jobs bulk start snooze state:retryable --for 2h --yes --json", 0, `{"bulk":2}`, "select until > now() + interval '1 h' from jobs.bulk where id = 2"},
		{"jobs bulk list", 0, "anna", "select true"},
		{"jobs bulk show 1", 0, "waiting", "select true"},
		{"jobs bulk show 99", 1, "there is no bulk act 99", "select true"},
		{"jobs bulk show x", 2, `"x" is not a number`, "select true"},
		{"jobs bulk undo 1", 1, "Bulk act 1 is waiting: cancel it first.", "select true"},
		{"jobs bulk confirm 1 3", 1, "there is nothing to confirm", "select true"},
		{"jobs bulk confirm 1", 2, "and the number of jobs that match now", "select true"},
		{"jobs bulk cancel 1 --reason wrong", 0, "Bulk act 1 was cancelled", "select state = 'cancelled' from jobs.bulk where id = 1"},
		{"jobs bulk cancel 1", 1, "Bulk act 1 is already cancelled.", "select true"},
		{"jobs bulk undo 1", 1, "Bulk act 1 has changed no job.", "select true"},
		{"jobs audit", 0, "cancel_bulk bulk act 1 wrong", "select true"},
		{"jobs undo 1 --yes", 1, "use jobs.cancel_bulk(1)", "select true"},
	} {
		out, code := shell(t, databaseURL, c.line)
		flat := strings.Join(strings.Fields(out), " ")
		if code != c.code || !strings.Contains(flat, strings.Join(strings.Fields(c.want), " ")) {
			t.Errorf("backlist %s: exit code %d, want %d and %q:\n%s", c.line, code, c.code, c.want, out)
		}
		if !valueOf[bool](t, pool, c.check) {
			t.Errorf("backlist %s: not true afterwards: %s", c.line, c.check)
		}
	}
}
