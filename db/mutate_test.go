package db_test

import (
	"context"
	"fmt"
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

// TestMutants: if any column, notice or state in the SQL were different, TestConformance or the rules of states would
// fail. It changes each function in one place, installs it, compares again, and reports changes that no check detects.
func TestMutants(t *testing.T) {
	t.Parallel()
	conformance := map[string]scenario{"insert": inserts(), "options": ownOptions()}
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
		{"jobs.retry(bigint[], text)", []string{"retry"}},
		{"jobs.cancel(bigint[], text)", []string{"cancel"}},
		{"jobs.delete(bigint[], text)", []string{"delete"}},
		{"jobs.discard(bigint[], text)", []string{"discard"}},
		{"jobs.run_now(bigint[], text)", []string{"run_now"}},
		{"jobs.set_paused", []string{"pause", "resume"}},
		{"jobs.may(bigint[], text)", []string{"retry", "cancel", "delete", "discard", "run_now", "bulk"}},
		{"jobs.enqueue", []string{"options", "insert"}},
		{"jobs.unique_args", []string{"insert"}},
		{"jobs.go_json", []string{"insert"}},
	} {
		t.Run(c.function, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "river", "UTC")
			original := b.definition(t, c.function)
			refs := map[string]*reference{}
			differs := func(check string) string {
				switch s, ok := conformance[check]; {
				case ok:
					if refs[check] == nil {
						refs[check] = &reference{}
					}
					return b.compare(t, s, refs[check])
				case check == "bulk":
					return b.inBulk(t, "retry")
				default:
					return b.breaksRules(t, check)
				}
			}
			for _, check := range c.check {
				if diff := differs(check); diff != "" {
					t.Fatalf("%s fails without any change: %s", check, diff)
				}
			}
			for _, m := range mutate(original) {
				caught := false
				if _, err := b.pool.Exec(t.Context(), m.sql); err != nil {
					t.Errorf("%s is not even SQL: %v", m.what, err) // any check would fail
					continue
				}
				for _, check := range c.check {
					if caught = differs(check) != ""; caught {
						break
					}
				}
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
	valueBlock = regexp.MustCompile(`(?s)    values \(\n(.*?)\)\n`)
	notify     = regexp.MustCompile(`pg_notify\('river\.river_(\w+)', `)
	literal    = regexp.MustCompile(`'(available|cancelled|completed|discarded|pending|retryable|running|scheduled)'`)
	defaults   = regexp.MustCompile(`'\{(available|completed|pending|retryable|running|scheduled|,)+\}'`)
	bits       = regexp.MustCompile(`B'[01]{8}'`)
)

// other has a value for each column that no act writes.
var other = map[string]string{
	"kind": "'mutant'", "args": `'{"mutant": 1}'`, "queue": "'mutant'", "state": "'pending'", "attempt": "7", "max_attempts": "99",
	"priority": "2", "scheduled_at": "timestamptz '2000-01-01'", "attempted_at": "timestamptz '2000-01-01'",
	"finalized_at": "timestamptz '2000-01-01'", "created_at": "timestamptz '2000-01-01'", "tags": "'{mutant}'", "metadata": `'{"mutant": 1}'`,
	"errors": `array['{"mutant": 1}']::jsonb[]`, "attempted_by": "'{mutant}'", "unique_key": "'mutant'", "unique_states": "B'10000000'",
	"paused_at": "timestamptz '2000-01-01'", "updated_at": "timestamptz '2000-01-01'", "name": "name || 'mutant'", "id": "id + 1000000",
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
		replace(sql[d[0]:d[1]]+" is no bit", d[0], d[1], "B'00000000'")
	}
	for _, swap := range [][2]string{
		{"opts ->> 'queue'", "opts ->> 'none'"},
		{"opts ->> 'priority'", "opts ->> 'none'"},
		{"opts ->> 'max_attempts'", "opts ->> 'none'"},
		{"opts -> 'tags'", "opts -> 'none'"},
		{"{unique,args}", "{none}"},
		{"{unique,keys}", "{none}"},
		{"{unique,period}", "{none}"},
		{"{unique,queue}", "{none}"},
		{"{unique,states}", "{none}"},
		{"{unique,exclude_kind}", "{none}"},
		{" and m.note is null", ""},
		{"j.id = m.id and", "false and"},
		{"act in ('retry', 'run_now')", "act = 'retry'"},
		{"act in ('retry', 'run_now')", "act = 'run_now'"},
		{"act in ('discard', 'delete')", "act = 'discard'"},
		{"act in ('discard', 'delete')", "act = 'delete'"},
		{"act in ('cancel', 'discard')", "act = 'cancel'"},
		{"act in ('cancel', 'discard')", "act = 'discard'"},
		{"and act = 'run_now' then", "and act = 'retry' then"},
		{"and act = 'run_now' then", "and act = 'none' then"},
		{"not (act = 'cancel' and j.state = 'running')", "true"},
		{"j.scheduled_at < now()", "j.scheduled_at > now()"},
		{"j.attempt = j.max_attempts then 1", "j.attempt >= j.max_attempts then 1"},
		{"j.attempt = j.max_attempts then 1", "true then 1"},
		{" and t.id <> j.id", " and false"},
		{"(old.paused_at is null) = stop", "true"},
		{"(old.paused_at is null) = stop", "old.paused_at is null"},
		{"(old.paused_at is null) = stop", "old.paused_at is not null"},
		{"case when stop then now() end", "now()"},
		{"case when stop then 'pause' else 'resume' end, to_json", "'pause', to_json"},
		{"case when stop then 'pause' else 'resume' end, to_json", "'resume', to_json"},
		{"'&kind=' || kind", "'&kind='"},
		{"'&queue=' || queue", "'&queue='"},
		{"else '&kind=' || kind end", "else '' end"},
		{"collate \"C\"", "collate \"en_US\""},
		{"'\\u003c'", "'<'"},
		{"'\\u003e'", "'>'"},
		{"'\\u0026'", "'&'"},
		{"'\\u2028'", "''"},
		{"interval '1 s'", "interval '2 s'"},
		{"interval '1 s'", "interval '0.5 s'"},
		{"'0001-01-01 00:00:00+00'", "'2000-01-01 00:00:01+00'"},
		{"at time zone 'UTC'", "at time zone 'Asia/Tokyo'"},
		{"> 64", "> 63"},
		{"> 64", "> 65"},
		{"between 1 and 4", "between 1 and 5"},
		{"over (partition by d.unique_key, d.takes_key, d.note is null order by d.id) > 1", "over (partition by d.unique_key, d.takes_key, d.note is null order by d.id) > 2"},
	} {
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
// they may change, and that they change nothing else.
func (b *bench) breaksRules(t *testing.T, verb string) string {
	t.Helper()
	before := b.observe(t, everyJob(b), nil, nil)
	steps := onEvery(verb, func(context.Context, *river.Client[pgx.Tx], int64) error { return nil })
	got := b.observe(t, everyJob(b), steps, b.bySQL)
	want := outcome{Rows: before.Rows}
	for i, row := range before.Rows {
		scheduled, state := row["scheduled_at"] != "2021-01-02T03:04:05Z", row["state"].(string)
		final := row["finalized_at"] != nil
		target := map[string]string{"discard": "discarded", "run_now": "available"}[verb]
		twin := false // all keys of everyJob but "own…" and "pair…" have a twin that waits
		if bits, ok := row["unique_states"].(string); ok && bits != "11110101" {
			twin = bits[bit[target]] == '1'
		}
		changed := false
		switch {
		case twin || state == "running" || final:
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
	want.Refused = append(want.Refused, fmt.Sprintf("%d: not found", missing))
	return differs(want, got, nil)
}

// TestRulesOfStates: discard and run_now, which River does not have, follow River's rules.
func TestRulesOfStates(t *testing.T) {
	t.Parallel()
	b := newBench(t, "public", "Asia/Kathmandu")
	for _, verb := range []string{"discard", "run_now"} {
		if broken := b.breaksRules(t, verb); broken != "" {
			t.Errorf("%s: %s", verb, broken)
		}
	}
}
