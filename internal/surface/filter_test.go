package surface

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// jobs are 400 jobs of every state; many finished at the same time, and one has times that cannot be subtracted.
const jobs = `
	set local jit = off; -- as the programs have it
	insert into work.kind (kind, secrets) values ('mail', '{pet}'), ('count', '{}');
	insert into work.worker (id, dyno, release, slots, lock_key, seen_at) values ('w1', 'worker.1', 'v1', 10, 1, now()), ('w2', 'worker.2', 'v2', 10, 2, now());
	insert into river.river_queue (name, updated_at, paused_at) values ('mail', now(), now()), ('default', now(), null);
	insert into river.river_job (id, kind, queue, state, priority, attempt, max_attempts, args, tags, metadata, created_at, scheduled_at, attempted_at, attempted_by, finalized_at, errors)
	select i, case when i % 3 = 0 then 'mail' else 'count' end, case when i % 5 = 0 then 'mail' else 'default' end, s::river.river_job_state, 1 + i % 4, 1, 25,
		jsonb_build_object('no', i % 10, 'text', (i % 10)::text, 'pet', 7, 'deep', jsonb_build_object('n', i % 4)), case when i % 7 = 0 then '{x,"two words"}'::varchar[] else '{}' end,
		jsonb_build_object('request_id', 'r' || i % 20, 'parent_id', i % 6, 'release', 'v' || i % 2),
		now() - i * interval '1 min', now() + interval '1 h', case when s in ('available', 'pending', 'scheduled') then null else now() - i * interval '1 min' end,
		case when i % 2 = 0 then '{w1}' else '{w2}' end::text[],
		case when s in ('completed', 'cancelled', 'discarded') then case when i = 8 then 'infinity' else now() - i % 9 * interval '1 h' end end,
		case when i % 4 = 3 then array[jsonb_build_object('error', 'Connection refused 100%', 'at', now(), 'attempt', 1)] end
	from (select i, (array['available', 'running', 'scheduled', 'retryable', 'pending', 'completed', 'cancelled', 'discarded'])[1 + i % 8] as s from generate_series(1, 400) as i) j;
	insert into work.error (fingerprint, message, first_seen_at, last_seen_at, first_release, last_release) values ('3f9a00000001', 'Connection refused 100%', now(), now(), 'v1', 'v1');
	insert into work.attempt (job_id, attempt, kind, queue, outcome, worker, release, request_id, due_at, started_at, ended_at, error, fingerprint)
	select i, 1, 'count', 'default', 'failed', 'w1', 'v1', 'r' || i % 20, now(), now(), now(), 'Connection refused', case when i % 4 = 3 then '3f9a00000001' end from generate_series(1, 400) as i`

// searches are searches, and for each the same condition on jobs.job. Together they use every key.
var searches = map[string]string{
	"":                              "true",
	"state:discarded,available":     "state in ('discarded', 'available')",
	"17 id:18,999":                  "id in (17, 18)",
	"17 state:completed":            "false",
	"kind:mail queue:mail":          "kind = 'mail' and queue = 'mail'",
	"state:available queue:mail":    "state = 'available' and queue = 'mail'",
	"worker:worker.2,w9":            "worker = 'w2'",
	"waiting:paused":                "waiting = 'paused'",
	"waiting:queued,scheduled":      "waiting in ('queued', 'scheduled')",
	"args.no:3":                     "args @> '{\"no\": 3}'",
	"args.text:3":                   "args @> '{\"text\": \"3\"}'",
	"args.no:3,4 args.deep.n:1":     "(args @> '{\"no\": 3}' or args @> '{\"no\": 4}') and args @> '{\"deep\": {\"n\": 1}}'",
	`args:{"no":3} state:completed`: "args @> '{\"no\": 3}' and state = 'completed'",
	`args.no:"3"`:                   "false",
	"args.pet:7":                    "kind = 'count'", // kind mail marks it
	"args.pet:7 kind:mail":          "false",
	`tag:"two words",y`:             "'two words' = any (tags)",
	"error:3f9a":                    "id % 4 = 3",
	"error:3f9a state:discarded":    "id % 4 = 3 and state = 'discarded'",
	`error:"refused 100%"`:          "last_error like '%refused 100\\%%'",
	`error:3f9a,"no such"`:          "id % 4 = 3",
	"error:%":                       "last_error like '%\\%%'",
	"request:r3,r4":                 "request_id in ('r3', 'r4')",
	"request:r3 args.no:3":          "request_id = 'r3' and args @> '{\"no\": 3}'",
	"request:r3 3 23":               "id in (3, 23) and request_id = 'r3'",
	"parent:5":                      "parent_id = 5",
	"release:v1":                    "release = 'v1'",
	"is:cancelling,unique":          "cancelling or is_unique",
	"has:error,deaths":              "last_error is not null or deaths > 0",
	"has:parent":                    "parent_id is not null",
	"has:progress":                  "progress is not null",
	"since:150m":                    "coalesce(finished_at, greatest(enqueued_at, started_at)) >= now() - interval '150 min'",
	"until:150m state:completed":    "finished_at < now() - interval '150 min' and state = 'completed'",
	"mai":                           "kind like '%mai%'",
	"CONNECTION":                    "last_error like '%Connection%'",
}

// TestSearchFinds: every search finds the jobs that its condition says, in steps of ids, in pages, and all at once.
func TestSearchFinds(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	if _, err := tx.Exec(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	for line, condition := range searches {
		rows, err := tx.Query(t.Context(), "select id from jobs.job where "+condition+" order by id")
		if err != nil {
			t.Fatal(err)
		}
		want, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			t.Fatal(err)
		}
		f, err := ParseSearch(line)
		if err != nil {
			t.Fatal(err)
		}
		n := 100
		if line == "state:discarded,available" || line == "error:3f9a" {
			n = 7
		}
		if got := byIDs(t, tx, f, n); !slices.Equal(got, want) {
			t.Errorf("%s in steps of ids finds %v, not %v", line, got, want)
		}
		got := byPages(t, tx, f, n)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s in pages finds %v, not %v", line, got, want)
		}
		f.Limit = 1000
		if got, _, err := Find(t.Context(), tx, f); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s finds %v, not %v (%v)", line, got, want, err)
		}
		if n, err := f.Count(t.Context(), tx); err != nil || n != len(want) {
			t.Errorf("%s counts %d, not %d (%v)", line, n, len(want), err)
		}
	}
}

func byIDs(t *testing.T, db DB, f Filter, n int) (all []int64) {
	t.Helper()
	var after int64
	for {
		ids, err := f.IDs(t.Context(), db, after, 399, n)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		all = append(all, ids...)
		if len(ids) < n {
			break
		}
		after = ids[n-1]
	}
	last, err := f.IDs(t.Context(), db, 399, 1<<62, n) // the rest, in a chunk of its own
	if err != nil {
		t.Fatal(err)
	}
	return append(all, last...)
}

func byPages(t *testing.T, db DB, f Filter, n int) (all []int64) {
	t.Helper()
	for after := ""; ; {
		p, err := f.Page(t.Context(), db, "kind, id", after, n)
		if err != nil {
			t.Fatalf("%s after %q: %v", f, after, err)
		}
		for _, row := range p.Rows {
			all = append(all, row[1].(int64))
		}
		if after = p.Next; after == "" {
			return all
		}
	}
}

// TestListFurther: a list whose window holds no more matches says how far it has looked, and its pages go on to the last job. A full
// page reads no window's end.
func TestListFurther(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	if _, err := tx.Exec(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	f, err := ParseSearch("state:completed,available parent:5")
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	looked, pages := 0, 0
	for after := ""; pages == 0 || after != ""; pages++ {
		at, err := parseCursor(after)
		if err != nil || pages > 100 {
			t.Fatal(err, pages)
		}
		sql, args := f.list("id", at, 3, 10)
		rows, err := tx.Query(t.Context(), "select id, part, job_id, place_at, reached from ("+sql+") list", args...)
		if err != nil {
			t.Fatal(err)
		}
		var places []Place
		var id *int64
		var p Place
		_, err = pgx.ForEachRow(rows, []any{&id, &p.Part, &p.JobID, &p.PlaceAt, &p.Reached}, func() error {
			places = append(places, p)
			p = Place{}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		shown, next, reached, err := NextPage(after, 3, places)
		if err != nil {
			t.Fatal(err)
		}
		if len(places) > 3 && len(reached) > 0 {
			t.Error("a full page has looked for the ends of its windows")
		}
		for _, p := range places[:shown] {
			ids = append(ids, *p.JobID)
		}
		looked += len(reached)
		after = next
	}
	want, err := query(t.Context(), tx, pgx.RowTo[int64], "select id from jobs.job where state in ('completed', 'available') and parent_id = 5 order by id")
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(ids); !slices.Equal(ids, want) || looked == 0 {
		t.Errorf("%d pages, which looked %d times for more, find %v, not %v", pages, looked, ids, want)
	}
}

// TestHiddenValue: a value that is shown as [redacted] does not reveal what a second value of the same search matches.
func TestHiddenValue(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	if _, err := tx.Exec(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	for _, state := range append(states()[:5:5], "") {
		found, err := query(t.Context(), tx, pgx.RowTo[string], `select distinct kind from jobs.with_args(array['{"pet": 7}', '{"pet": "[redacted]"}']::jsonb[],
			nullif($1, ''), 0, 400, true, 1000) as id join jobs.job using (id)`, state)
		if err != nil || !slices.Equal(found, []string{"count"}) {
			t.Errorf("with_args finds kinds %v among %s (%v)", found, state, err)
		}
	}
}

// TestHiddenKeys: a search for a value that is hidden is refused, by the same pattern as in SQL, and is never stored.
func TestHiddenKeys(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	if _, err := tx.Exec(t.Context(), jobs); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"args.password:x", "args.Pass_Code.token:x", "args.passcode:x", "args.a.api_key.b:x", "args.credentials.user:x", "args.pin:7",
		`args:{"a": [{"Token": "x"}]}`, `args:{"session-id": {"b": 1}}`, "kind:mail args.card_no:1,2",
	} {
		_, err := ParseSearch(line)
		if e, ok := err.(*SearchError); !ok || e.Code != hiddenKey {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, line := range []string{"args.passenger:x", "args.pins:1", "args.key:x", "args.card_note:x", `args:{"a": "password"}`, "args.signed:x"} {
		if _, err := ParseSearch(line); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if err := new(Filter).AddArgs(`{"password": "x"}`); err == nil {
		t.Error("a filter takes a hidden argument")
	}
	pattern, err := query(t.Context(), tx, pgx.RowTo[string], `select string_agg(part[1], '')
		from regexp_matches(pg_get_functiondef('jobs.looks_secret'::regproc), $$'([^']*)'::text$$, 'g') as part`)
	if err != nil || pattern[0] != strings.ReplaceAll(secretNames, `\b`, `\M`) {
		t.Errorf("the patterns differ: %q and %q (%v)", secretNames, pattern, err)
	}
	anna := By{Who: "anna"}
	for line, stored := range map[string]bool{
		"args.pet:7": false, "args.a.Pet:7": false, `args:{"a": {"PET": 7}}`: false, `args:{"\u0050et": 7}`: false, "args.pet:7 kind:mail,count": false, "args.pet:7 kind:count": true, "args.no:7": true,
	} {
		if _, err := (SavedView{Name: "x", Search: line}).Save(t.Context(), tx, anna); (err == nil) != stored || err != nil && !IsBadValue(err) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// FuzzSearch: no line makes the database fail, and its canonical form is the same filter.
func FuzzSearch(f *testing.F) {
	for line := range searches {
		f.Add(line, "")
	}
	for _, line := range []string{
		"'; drop table river.river_job; --", "kind:') or true --", `error:"$1 $2::int %s"`, "kind:\x00", "\x1b[31m", "\xff\xfe", "state:\"available\"",
		strings.Repeat("x ", 5000), strings.Repeat("a", 10_000), `args:{"a":"\u0000"}`, `args.a:1e99999 args.b:1e9999`, `args:{"a":{"b":[1e-9999]}}`,
		`args.a:"\ud800"`, "args.\u2028.b:\u202e", "since:5200w", "since:0001-01-01", "until:9999-12-31T23:59:59Z", "id:9223372036854775807", "parent:9223372036854775807",
		"args:" + strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300), "args." + strings.Repeat("a.", 800) + "a:1", "kind:\\ \\", "error:$9 $10",
	} {
		f.Add(line, "Zm91bmR8MTd8")
	}
	tx := testdb.Tx(f)
	if _, err := tx.Exec(f.Context(), jobs); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line, after string) {
		filter, err := ParseSearch(line)
		if err != nil {
			if e, ok := err.(*SearchError); !ok || e.Code == "" || e.Sentence == "" || e.At < 0 || e.End < e.At || e.End > len(line) {
				t.Fatalf("%q: %#v", line, err)
			}
			return
		}
		if again, err := ParseSearch(filter.String()); len(filter.String()) <= longestSearch && (err != nil || !reflect.DeepEqual(filter, again)) {
			t.Errorf("%q: its canonical form %q is %+v, not %+v (%v)", line, filter, again, filter, err)
		}
		if _, err := filter.Page(t.Context(), tx, "id", after, 5); err != nil {
			if e, ok := err.(*SearchError); !ok || e.Code != "bad_cursor" {
				t.Errorf("%q: %v", line, err)
			}
		}
		if _, err := filter.IDs(t.Context(), tx, 100, 300, 5); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if _, err := filter.Count(t.Context(), tx); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	})
}

// TestFilterByHand: an unreadable cursor and a filter with unknown values are refused.
func TestFilterByHand(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"x", "!!", "Zm91bmR8MHw", "bm9uZQ", "Y29tcGxldGVkfDN8eA"} {
		if _, _, err := (Filter{}).Query("id", after, 10); err == nil {
			t.Errorf("the cursor %q is accepted", after)
		}
	}
	for i, f := range []Filter{{Limit: 0}, {Limit: 1, States: []string{"x"}}, {Limit: 1, Waiting: []string{"x"}}, {Limit: 1, Has: []string{"x"}}} {
		if f.Check() == nil {
			t.Error("the filter " + strconv.Itoa(i) + " is accepted")
		}
	}
}
