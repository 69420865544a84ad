package db_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// mutant is a function of the surface with one significant change.
type mutant struct {
	what string
	sql  string
}

// first returns the checks, beginning with the one meant for the mutant, whose text begins with the check's name.
func (m mutant) first(checks []string) []string {
	for i, check := range checks {
		if strings.HasPrefix(m.what, check+":") {
			return append([]string{check}, slices.Delete(slices.Clone(checks), i, i+1)...)
		}
	}
	return checks
}

// sample: of checks with many steps, every sixth is run first, because it detects most mutants and costs much less. The sample
// meets jobs of every state and sort.
const sample = 6

// hasSteps reports whether a check can be run as a sample.
func hasSteps(check string) bool {
	return !strings.HasPrefix(check, "many ") && check != "undo" && check != "codes"
}

// every returns every nth of the steps.
func every(nth int, steps []step) (some []step) {
	for i := nth - 1; i < len(steps); i += nth {
		some = append(some, steps[i])
	}
	return some
}

// TestMutants: if any column, notice or state in the SQL were different, TestConformance or the rules of states would
// fail. It changes each function in one place, installs it, compares again, and reports changes that no check detects.
func TestMutants(t *testing.T) {
	t.Parallel()
	conformance := map[string]scenario{"insert": inserts(), "options": ownOptions(), "snooze": snoozes(), "copy": copies()}
	for _, s := range verbs() {
		conformance[s.name] = s
	}
	var mu sync.Mutex
	made, killed := 0, 0
	t.Cleanup(func() { t.Logf("%d mutants, %d killed", made, killed) })
	for _, c := range []struct {
		function string
		check    []string // scenarios and rules, any of which must fail
	}{
		{"jobs.becomes", []string{"retry", "cancel", "discard", "run_now", "snooze", "undo"}},
		{"jobs.judge", []string{"codes", "retry", "cancel", "delete", "discard", "run_now", "snooze", "many retry", "undo"}},
		{"jobs.act", []string{"retry", "cancel", "delete", "many delete", "run_now", "snooze", "undo"}},
		{"jobs.undoable", []string{"codes", "undo"}},
		{"jobs.copy", []string{"copy"}},
		{"jobs.merged", []string{"copy"}},
		{"jobs.set_paused", []string{"pause", "resume"}},
		{"jobs.enqueue", []string{"options", "insert"}},
		{"jobs.unique_args", []string{"insert"}},
		{"jobs.go_json", []string{"insert"}},
	} {
		t.Run(c.function, func(t *testing.T) {
			t.Parallel()
			// To plan the surface's statements for every call would take three quarters of the time.
			b := newBench(t, "river", "UTC", "plan_cache_mode=force_generic_plan")
			original := b.definition(t, c.function)
			refs := map[string]*reference{}
			// differs runs every nth step of a check.
			differs := func(check string, nth int) string {
				key := fmt.Sprint(check, nth)
				if refs[key] == nil {
					refs[key] = &reference{}
				}
				switch s, ok := conformance[check]; {
				case ok:
					s.steps = every(nth, s.steps)
					return b.compare(t, s, refs[key])
				case strings.HasPrefix(check, "many "):
					return b.inBulk(t, check[len("many "):], refs[key])
				case check == "undo":
					return b.undoes(t)
				case check == "codes":
					return b.codes(t)
				default:
					return b.breaksRules(t, check, nth)
				}
			}
			for _, check := range c.check {
				for _, nth := range []int{1, sample} {
					if diff := differs(check, nth); diff != "" {
						t.Fatalf("%s fails without any change: %s", check, diff)
					}
				}
			}
			for _, m := range mutate(original) {
				if _, err := b.pool.Exec(t.Context(), m.sql); err != nil {
					t.Errorf("%s is not even SQL: %v", m.what, err) // any check would fail
					continue
				}
				checks := m.first(c.check)
				caught := slices.ContainsFunc(checks, func(check string) bool { return hasSteps(check) && differs(check, sample) != "" }) ||
					slices.ContainsFunc(checks, func(check string) bool { return differs(check, 1) != "" })
				if !caught {
					t.Errorf("no check detects: %s", m.what)
				}
				mu.Lock()
				made++
				if caught {
					killed++
				}
				mu.Unlock()
			}
			if t.Failed() {
				return
			}
			do(t, b.pool, original)
		})
	}
}

func (b *bench) definition(t *testing.T, function string) (sql string) {
	t.Helper()
	kind := "regproc"
	if strings.Contains(function, "(") {
		kind = "regprocedure"
	}
	if err := b.pool.QueryRow(t.Context(), fmt.Sprintf("select pg_get_functiondef('%s'::%s)", function, kind)).Scan(&sql); err != nil {
		t.Fatal(err)
	}
	return sql
}

var (
	assignment = regexp.MustCompile(`(?m)^( {12,})(\w+)( += )(.+?)(,?)( -- .*)?$`)
	setBlock   = regexp.MustCompile(`(?s)update river\.river_\w+ \w+ set\n(.*?)\n\s+from`)
	actBlock   = regexp.MustCompile(`(?s)        when '(\w+)' then[^\n]*\n(.*?)(?:\n        when|\n    end case)`)
	fieldSet   = regexp.MustCompile(`(?m)^ {12,}job\.(\w+) *:= (.+?);(?: -- .*)?$`)
	valueBlock = regexp.MustCompile(`(?s)    values \(\n(.*?)\)\n`)
	notify     = regexp.MustCompile(`pg_notify\('river\.river_(\w+)', `)
	literal    = regexp.MustCompile(`'(available|cancelled|completed|discarded|pending|retryable|running|scheduled)'`)
	defaults   = regexp.MustCompile(`'\{(available|completed|pending|retryable|running|scheduled|,)+\}'`)
	bits       = regexp.MustCompile(`B'[01]{8}'`)
)

// other has, for each column, a value that no act writes.
var other = map[string]string{
	"kind": "'mutant'", "args": `'{"mutant": 1}'`, "queue": "'mutant'", "state": "'pending'", "attempt": "7", "max_attempts": "99",
	"priority": "2", "scheduled_at": "timestamptz '2000-01-01'", "attempted_at": "timestamptz '2000-01-01'",
	"finalized_at": "timestamptz '2000-01-01'", "created_at": "timestamptz '2000-01-01'", "tags": "'{mutant}'", "metadata": `'{"mutant": 1}'`,
	"errors": `array['{"mutant": 1}']::jsonb[]`, "attempted_by": "'{mutant}'", "unique_key": "'mutant'", "unique_states": "B'10000000'",
	"paused_at": "timestamptz '2000-01-01'", "updated_at": "timestamptz '2000-01-01'", "name": "name || 'mutant'", "id": "id + 1000000",
}

// image has the same for the fields of an image.
var image = map[string]string{
	"attempt": "7", "attempted_at": "timestamptz '2000-01-01'", "max_attempts": "99", "scheduled_at": "timestamptz '2000-01-01'",
	"finalized_at": "timestamptz '2000-01-01'", "cancel_attempted_at": `'"mutant"'`, "snoozes": "'77'",
}

// mutate makes every mutant of a function.
func mutate(sql string) (list []mutant) {
	replace := func(what string, from, to int, text string) {
		list = append(list, mutant{what, sql[:from] + text + sql[to:]})
	}
	for _, block := range setBlock.FindAllStringSubmatchIndex(sql, -1) {
		var assigned []string
		body := sql[block[2]:block[3]]
		for _, a := range assignment.FindAllStringSubmatchIndex(body, -1) {
			column := body[a[4]:a[5]]
			assigned = append(assigned, column)
			from, to := block[2]+a[8], block[2]+a[9]
			if column == "metadata" { // the right-hand side may continue on the next line
				to = block[3]
				if i := strings.LastIndex(sql[from:to], " --"); i > 0 {
					to = from + i
				}
			}
			alias := "j"
			if strings.Contains(sql[block[0]:block[2]], "river_queue") {
				alias = "q"
			}
			replace(column+" is not written", from, to, alias+"."+column)
			value := other[column]
			if column == "finalized_at" && strings.Contains(body, "'available'") {
				continue // the table's own check forbids it
			}
			if column == "state" {
				continue // below
			}
			replace(column+" is something else", from, to, value)
		}
		columns := []string{"kind", "args", "queue", "attempt", "max_attempts", "priority", "scheduled_at", "attempted_at", "created_at", "tags", "metadata", "errors", "attempted_by", "unique_key", "unique_states"}
		if strings.Contains(sql[block[0]:block[2]], "river_queue") {
			columns = []string{"created_at", "metadata", "paused_at", "updated_at"}
		}
		for _, column := range columns {
			if !slices.Contains(assigned, column) {
				replace(column+" is written too", block[2], block[2], strings.Repeat(" ", 12)+column+" = "+other[column]+",\n")
			}
		}
	}
	for _, block := range actBlock.FindAllStringSubmatchIndex(sql, -1) {
		var assigned []string
		act, body := sql[block[2]:block[3]]+": ", sql[block[4]:block[5]]
		final := strings.Contains(body, "'cancelled'") || strings.Contains(body, "'discarded'")
		for _, a := range fieldSet.FindAllStringSubmatchIndex(body, -1) {
			column := body[a[2]:a[3]]
			assigned = append(assigned, column)
			from, to := block[4]+a[4], block[4]+a[5]
			replace(act+column+" is not written", from, to, "job."+column)
			if column != "state" && (column != "finalized_at" || final) { // the states below, and the table's own check
				replace(act+column+" is something else", from, to, image[column])
			}
		}
		for _, column := range slices.Sorted(maps.Keys(image)) {
			if !slices.Contains(assigned, column) && column != "finalized_at" && len(assigned) > 0 {
				act := act
				if strings.HasPrefix(column, "attempt") {
					act = "undo: " // no act writes it, and undo checks it to see that the job has not changed
				}
				replace(act+column+" is written too", block[4], block[4], strings.Repeat(" ", 12)+"job."+column+" := "+image[column]+";\n")
			}
		}
	}
	if block := valueBlock.FindStringSubmatchIndex(sql); block != nil {
		columns := strings.Split("kind args queue state scheduled_at priority max_attempts tags metadata unique_key unique_states", " ")
		at := block[2]
		for i, line := range strings.Split(sql[block[2]:block[3]], "\n") {
			end := at + len(strings.TrimRight(line, ","))
			replace(columns[i]+" is something else", at, end, other[columns[i]])
			at += len(line) + 1
		}
		for _, column := range []string{"attempt", "attempted_at", "created_at", "errors", "attempted_by"} {
			list = append(list, mutant{column + " is written too", strings.Replace(strings.Replace(sql,
				"(kind, args, queue,", "("+column+", kind, args, queue,", 1), "    values (\n", "    values ("+other[column]+",\n", 1)})
		}
		list = append(list, mutant{"a duplicate is changed", strings.Replace(sql, "do update set kind = j.kind", "do update set priority = 4", 1)})
	}
	for _, n := range notify.FindAllStringSubmatchIndex(sql, -1) {
		replace("a notice goes elsewhere", n[0], n[1], "pg_notify('elsewhere', ")
		end := n[1]
		for depth := 1; depth > 0; end++ { // to the call's closing bracket
			switch sql[end] {
			case '(':
				depth++
			case ')':
				depth--
			}
		}
		replace("a notice says something else", n[1], end-1, `'{"queue": "mutant"}'`)
		replace("a notice more", n[1], n[1], `pg_notify('river.river_insert', '{"queue": "mutant"}')::text || `)
	}
	for _, s := range literal.FindAllStringSubmatchIndex(sql, -1) {
		if line := lineAt(sql, s[0]); strings.Contains(line, "jsonb_build_object") || strings.Contains(line, "format(") {
			continue
		}
		state := sql[s[2]:s[3]]
		to := map[string]string{"available": "pending", "pending": "available", "running": "retryable", "retryable": "running"}[state]
		if to == "" { // a final state stays final, or the table's own check would fail
			to = map[string]string{"cancelled": "discarded", "discarded": "completed", "completed": "cancelled", "scheduled": "pending"}[state]
		}
		if strings.Contains(lineAt(sql, s[0]), " in (") { // a list lacks one
			to = "running"
			if state == "running" || strings.Contains(lineAt(sql, s[0]), "not in") && state != "scheduled" {
				continue
			}
		}
		replace(fmt.Sprintf("%s for %s in %q", to, state, strings.TrimSpace(lineAt(sql, s[0]))), s[2], s[3], to)
	}
	for _, d := range defaults.FindAllStringIndex(sql, -1) {
		states := strings.Split(strings.Trim(sql[d[0]:d[1]], "'{}"), ",")
		for i, s := range states {
			rest := slices.Delete(slices.Clone(states), i, i+1)
			replace(s+" is left out of "+sql[d[0]:d[1]], d[0], d[1], "'{"+strings.Join(rest, ",")+"}'")
		}
	}
	for _, d := range bits.FindAllStringIndex(sql, -1) {
		replace(sql[d[0]:d[1]]+" without its bit", d[0], d[1], "B'00000000'")
	}
	for _, swap := range swaps() {
		if i := strings.Index(sql, swap[0]); i >= 0 && !strings.Contains(swap[1], "en_US") {
			replace(fmt.Sprintf("%s for %s", swap[1], swap[0]), i, i+len(swap[0]), swap[1])
		}
	}
	return list
}

func lineAt(text string, i int) string {
	from := strings.LastIndex(text[:i], "\n") + 1
	to := i + strings.Index(text[i:], "\n")
	return text[from:to]
}

// breaksRules checks discard and run_now, which River does not have, against River's rules of states: the states that
// they may change, and that they change nothing else. It calls them on every nth job.
func (b *bench) breaksRules(t *testing.T, verb string, nth int) string {
	t.Helper()
	before := b.observe(t, everyJob(b), nil, nil)
	steps := every(nth, onEvery(verb, func(context.Context, *river.Client[pgx.Tx], int64) error { return nil }))
	got := b.observe(t, everyJob(b), steps, b.bySQL)
	want := outcome{Rows: before.Rows}
	for i, row := range before.Rows {
		if (i+1)%nth != 0 {
			continue
		}
		scheduled, state := row["scheduled_at"] != "2021-01-02T03:04:05Z", row["state"].(string)
		final := row["finalized_at"] != nil
		target := map[string]string{"discard": "discarded", "run_now": "available"}[verb]
		duplicate := false // all keys of everyJob but "own…" and "pair…" are also held by a waiting job
		if bits, ok := row["unique_states"].(string); ok && bits != "11110101" {
			duplicate = bits[bit[target]] == '1'
		}
		changed := false
		switch {
		case duplicate || state == "running" || final:
		case verb == "discard":
			changed = true
			want.Rows[i]["state"], want.Rows[i]["finalized_at"] = "discarded", "now"
		case verb == "run_now" && (state != "available" || scheduled):
			changed = true
			want.Rows[i]["state"], want.Rows[i]["scheduled_at"] = "available", "now"
			want.Notices = append(want.Notices, fmt.Sprintf(`river_insert {"queue": "%v"}`, row["queue"]))
		}
		if !changed {
			want.Refused = append(want.Refused, fmt.Sprintf("%v: refused", row["id"]))
		}
	}
	if missing%nth == 0 {
		want.Refused = append(want.Refused, fmt.Sprintf("%d: not found", missing))
	}
	return differs(want, got, nil)
}

// TestRulesOfStates: discard and run_now, which River does not have, follow River's rules.
func TestRulesOfStates(t *testing.T) {
	t.Parallel()
	b := newBench(t, "public", "Asia/Kathmandu")
	for _, verb := range []string{"discard", "run_now"} {
		if broken := b.breaksRules(t, verb, 1); broken != "" {
			t.Errorf("%s: %s", verb, broken)
		}
	}
}
