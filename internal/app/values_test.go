package app

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/backlist/backlist/internal/testdb"
)

// typed runs backlist jobs with exactly these words, even empty ones and ones with spaces.
func typed(t *testing.T, databaseURL string, words ...string) (out string, code int) {
	t.Helper()
	stdout, stderr, err := inProcess(t, map[string]string{"DATABASE_URL": databaseURL}, append([]string{"jobs"}, words...)...)
	if err != nil {
		stderr += err.Error()
	}
	return stdout + stderr, ExitCode(err)
}

// TestValuesTyped: an invalid value gives exit code 2 and a sentence that names it. A valid one that matches nothing gives 1.
func TestValuesTyped(t *testing.T) {
	t.Parallel()
	databaseURL := shop(t)
	many := strings.Repeat("long", 25_000)
	for _, c := range []struct {
		words []string
		code  int
		says  string
	}{
		{[]string{"list", "--since", "0"}, 2, "since is a duration before now"},
		{[]string{"list", "--since", "0d"}, 2, "since is a duration before now"},
		{[]string{"list", "--since", "-1h"}, 2, "numbers and units up to 5200w"},
		{[]string{"list", "--since", "-99999999999d"}, 2, "numbers and units up to 5200w"},
		{[]string{"list", "--since", "1ns"}, 2, "since is a duration before now"},
		{[]string{"list", "--since", "5200w", "--kind", "count"}, 0, "count"},
		{[]string{"list", "--since", "36401d"}, 2, "numbers and units up to 5200w"},
		{[]string{"list", "--since", "9223372036854775807d"}, 2, "numbers and units up to 5200w"},
		{[]string{"list", "--since", "9223372036854775808d"}, 2, "numbers and units up to 5200w"},
		{[]string{"list", "--since", "2562048h"}, 2, "invalid value"},
		{[]string{"list", "--since", "1e99h"}, 2, "invalid value"},
		{[]string{"list", "--since", "NaN"}, 2, "invalid value"},
		{[]string{"list", "--since", "Infd"}, 2, "invalid value"},
		{[]string{"list", "--since", "2026-11-26"}, 2, "invalid value"},
		{[]string{"list", "--since", ""}, 2, "invalid value"},
		{[]string{"list", "--limit", "9223372036854775807"}, 0, "count"},
		{[]string{"list", "--limit", "9223372036854775808"}, 2, "invalid value"},
		{[]string{"list", "--limit", "-1"}, 2, "the limit is at least 1"},
		{[]string{"list", "--limit", "1e3"}, 2, "invalid value"},
		{[]string{"queues", "--limit", "-9223372036854775808"}, 2, "the limit is at least 1"},
		{[]string{"list", "--args", ""}, 2, "it is empty"},
		{[]string{"list", "--args", "{}"}, 2, "args is a JSON object"},
		{[]string{"list", "--args", `{"to":7`}, 2, "args is a JSON object"},
		{[]string{"list", "--args", `{"to":7,"to":8}`}, 2, `args: the key "to" occurs twice`},
		{[]string{"list", "--args", `{"to":"\u0000"}`}, 2, `args: \u0000 cannot be stored`},
		{[]string{"list", "--args", `{"to":"\ud83d"}`}, 2, "args: \\ud83d is half of a surrogate pair"},
		{[]string{"list", "--args", `{"to":1e999999}`}, 2, "args: the number 1e999999 is too long"},
		{[]string{"list", "--args", `{"to":1e400}`}, 1, "no such jobs"},
		{[]string{"list", "--args", `{"to":9223372036854775808}`}, 1, "no such jobs"},
		{[]string{"list", "--args", `{"to":7.0}`}, 0, "count"},
		{[]string{"list", "--kind", ""}, 2, "it is empty"},
		{[]string{"list", "--kind", " , "}, 2, "it is empty"},
		{[]string{"list", "--kind", "a\xff"}, 2, `"a\xff" is not valid UTF-8`},
		{[]string{"list", "--kind", many}, 1, "no such jobs"},
		{[]string{"list", "--tag", "\u2028\u202e"}, 1, "no such jobs"},
		{[]string{"list", "--state", ""}, 2, "it is empty"},
		{[]string{"list", "--state", "Available"}, 2, `"Available" is not a state`},
		{[]string{"list", "--queue", ""}, 2, "it is empty"},
		{[]string{"list", "--worker", ""}, 2, "it is empty"},
		{[]string{"list", "--request", ""}, 2, "it is empty"},
		{[]string{"list", "--error", " "}, 2, "it is empty"},
		{[]string{"show", "9223372036854775807"}, 1, "There is no job 9223372036854775807"},
		{[]string{"show", "9223372036854775808"}, 2, "is not a job id"},
		{[]string{"show", "-1"}, 2, "flag provided but not defined"},
		{[]string{"show", "0"}, 2, "is not a job id"},
		{[]string{"show", "1.0"}, 2, "is not a job id"},
		{[]string{"show", "NaN"}, 2, "is not a job id"},
		{[]string{"show", ""}, 2, `"" is not a job id`},
		{[]string{"explain", "9223372036854775807"}, 1, "There is no job"},
		{[]string{"retry", "", "--state", "discarded", "--yes"}, 2, `"" is not a job id`},
		{[]string{"cancel", "--state", "available", "--kind", "", "--yes"}, 2, "it is empty"},
		{[]string{"retry", "99999999999999999999"}, 2, "is not a job id"},
		{[]string{"retry", "5", "--reason", "a\xff"}, 2, "is not valid UTF-8"},
		{[]string{"retry", "5", "--who", "a\xff"}, 2, "is not valid UTF-8"},
		{[]string{"retry", "5", "--reason", many}, 0, "1 job retried"},
		{[]string{"pause", ""}, 2, "usage: backlist jobs pause QUEUE"},
		{[]string{"pause", "nowhere"}, 1, "There is no queue 'nowhere'"},
		{[]string{"pause", "a\xff"}, 2, "is not valid UTF-8"},
		{[]string{"drain", " "}, 2, "usage: backlist jobs drain WORKER"},
		{[]string{"mute", many}, 1, "There is no error"},
	} {
		out, code := typed(t, databaseURL, c.words...)
		if code != c.code || !strings.Contains(out, c.says) || strings.Contains(out, "CONTEXT") || strings.Contains(out, "SQLSTATE") {
			t.Errorf("backlist jobs %.60q: exit code %d, want %d and %q: %.300s", c.words, code, c.code, c.says, out)
		}
	}
	if n := valueOf[int](t, openPool(t, databaseURL), "select count(*) from jobs.audit"); n != 1 {
		t.Errorf("%d acts, want only the one on job 5", n)
	}
}

// TestValuesTypedElsewhere: the other commands refuse invalid values before they connect to a database.
func TestValuesTypedElsewhere(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{
		{"operator", "add"},
		{"operator", "add", ""},
		{"operator", "add", "a\xff@example.org"},
		{"operator", "add", "a@example.org", "--role", "reader"},
		{"operator", "add", "a@example.org", "--role", ""},
		{"operator", "remove", ""},
		{"reader", "reset", "a\x00@example.org"},
		{"reader", "reset", "a@example.org", "b@example.org"},
		{"bench", "web", "--seconds", "NaN"},
		{"bench", "web", "--readers", "-1"},
		{"bench", "latency", "--seconds", "Inf"},
		{"bench", "latency", "--idle", "1e300"},
		{"bench", "work", "--jobs", "9223372036854775808"},
		{"bench", "work", "--jobs", "-9223372036854775808"},
		{"bench", "work", "--only", "["},
		{"bench", "sql", "--connections", "0"},
		{"drill", "--kills", "0"},
		{"drill", "--only", ""},
		{"drill", "--only", "kill,"},
		{"simulate", "--load", "none"},
		{"simulate", "--load", "daily", "--all"},
		{"simulate", "--seeds", "0"},
		{"simulate", "--days", "NaN"},
		{"simulate", "--max-wait", "-1s"},
		{"simulate", "--min", "9", "--max", "3"},
	} {
		_, _, err := inProcess(t, map[string]string{"DATABASE_URL": "postgres://odo@127.0.0.1:1/none"}, words...)
		if ExitCode(err) != 2 {
			t.Errorf("backlist %q: exit code %d, want 2: %v", words, ExitCode(err), err)
		}
	}
}

// oddShop has jobs and names with values that are hard to show.
const oddShop = `
insert into river.river_queue (name, updated_at) values ('default', '-infinity'), (E'q\x1b[31m\x7f\u009b', 'infinity');
insert into river.river_job (id, kind, state, attempt, max_attempts, args, metadata, created_at, scheduled_at, attempted_at, attempted_by, finalized_at, errors) values
	(1, 'count', 'available', 0, 5, '{"n": 9223372036854775808, "f": 1.10, "e": 1e30}', '{}', now(), '-infinity', null, null, null, null),
	(2, 'count', 'scheduled', 0, 5, '{}', '{}', '-infinity', 'infinity', null, null, null, null),
	(3, 'count', 'completed', 1, 5, '{}', '{}', '4713-01-02 BC', '0001-01-01', '0001-01-01', '{w}', '9999-12-31', null),
	(4, 'count', 'scheduled', 1, 5, '{}', '{}', 'infinity', '294276-12-31', '-infinity', '{w}', null, array['{"error": "no", "at": 9223372036854775808}', 'null']::jsonb[]),
	(5, 'count', 'running', 1, 5, '{}', '{"progress": {"percent": 12345678901234567890.5, "sentence": "\u001b]0;x\u0007"}}', now(), now(), now(), '{w}', null, null),
	(6, E'k\x1b[31m\u009b\u202e\u2028', 'discarded', 5, 5, '{"s": "\u001b[31m\u009b\u202e\u2028\u200f"}', '{}', now(), now(), now(), E'{"w\x1b[2J"}', now(),
		array['{"error": "\u001b[31m\u009b\u202e\r\u2028"}']::jsonb[]),
	(9223372036854775806, 'count', 'available', 0, 32767, jsonb_build_object('s', repeat('long ', 20000)), '{}', now(), now(), null, null, null, null);
`

// TestValuesShown: every job can be shown. No control character reaches the terminal, and --json prints valid JSON with every
// number as it is stored.
func TestValuesShown(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	if _, err := openPool(t, databaseURL).Exec(t.Context(), oddShop); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		words []string
		code  int
		says  []string
	}{
		{[]string{"list"}, 0, []string{"9223372036854775806  count", "[31m", "0/32767"}},
		{[]string{"list", "--state", "completed", "--since", "1h"}, 0, []string{"3   count"}},
		{[]string{"list", "--json"}, 0, []string{
			`"n": 9223372036854775808`, `"f": 1.10`, `"e": 1000000000000000000000000000000`, `"at": 9223372036854775808`, `"id": 9223372036854775806`,
			`"progress": 12345678901234567890.5`, `"scheduled_at": "-infinity"`, `"scheduled_at": "infinity"`, `"scheduled_at": "294276-12-31T00:00:00Z"`,
			`"enqueued_at": "-4712-01-02T00:00:00Z"`, `"kind": "k\u001b[31m\u009b\u202e\u2028"`,
		}},
		{[]string{"show", "1"}, 0, []string{`{"e": 1000000000000000000000000000000, "f": 1.10, "n": 9223372036854775808}`, "scheduled at  -infinity"}},
		{[]string{"show", "3"}, 0, []string{"run           3652058 d"}},
		{[]string{"show", "3", "--json"}, 0, []string{`"run": 315537811200`}},
		{[]string{"show", "4"}, 0, []string{`{"at": 9223372036854775808, "error": "no"}, null`}},
		{[]string{"show", "5"}, 0, []string{"progress       12345678901234567890.5", "]0;x"}},
		{[]string{"show", "6"}, 0, []string{"[31m"}},
		{[]string{"show", "6", "--json"}, 0, []string{`"s": "\u001b[31m\u009b\u202e\u2028\u200f"`}},
		{[]string{"queues"}, 0, []string{"q [31m"}},
		{[]string{"queues", "--json"}, 0, []string{`"queue": "q\u001b[31m\u007f\u009b"`}},
		{[]string{"pause", "nowhere"}, 1, []string{"Known queues: default, q [31m"}},
		{[]string{"cancel", "--queue", "default"}, 1, []string{"count, available"}},
		{[]string{"delete", "--state", "discarded"}, 1, []string{"k [31m, discarded"}},
		{[]string{"cancel", "9223372036854775806"}, 0, []string{"1 job cancelled."}},
		{[]string{"audit"}, 0, []string{"9223372036854775806"}},
	} {
		out, code := typed(t, databaseURL, c.words...)
		if code != c.code {
			t.Errorf("backlist jobs %q: exit code %d, want %d: %.300s", c.words, code, c.code, out)
		}
		for _, want := range c.says {
			if !strings.Contains(out, want) {
				t.Errorf("backlist jobs %q does not print %q: %.2000s", c.words, want, out)
			}
		}
		if i := strings.IndexFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }); i >= 0 {
			t.Errorf("backlist jobs %q prints a control character: %q", c.words, out[i:min(i+20, len(out))])
		}
		if slices.Contains(c.words, "--json") && !json.Valid([]byte(out)) {
			t.Errorf("backlist jobs %q prints invalid JSON: %.2000s", c.words, out)
		}
	}
}
