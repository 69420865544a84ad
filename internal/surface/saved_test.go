package surface

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/testdb"
)

// TestSavedViews: a private view is its owner's, a shared one everybody's, and only the owner changes or deletes one.
func TestSavedViews(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	anna, bob := By{Who: "anna", Reason: "daily"}, By{Who: "bob"}
	private := SavedView{Name: "mine", Search: "state:discarded  kind:mail", Columns: []string{"id", "last_error"}}
	id, err := private.Save(t.Context(), tx, anna)
	if err != nil {
		t.Fatal(err)
	}
	shared := SavedView{Name: "late", Search: "since:2h", Shared: true}
	if _, err := shared.Save(t.Context(), tx, anna); err != nil {
		t.Fatal(err)
	}
	private.Search = "state:retryable" // saved again under the same name
	if again, err := private.Save(t.Context(), tx, anna); err != nil || again != id {
		t.Fatalf("saving again gives view %d, not %d: %v", again, id, err)
	}
	names := func(who string) (list []string) {
		views, err := SavedViews(t.Context(), tx, who)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range views {
			list = append(list, v.Name+" "+v.Search+" "+strings.Join(v.Columns, "+"))
		}
		return list
	}
	if got := strings.Join(names("anna"), "; "); got != "late since:2h ; mine state:retryable id+last_error" {
		t.Error("anna sees", got)
	}
	if got := strings.Join(names("bob"), "; "); got != "late since:2h " {
		t.Error("bob sees", got)
	}
	if err := DeleteView(t.Context(), tx, id, bob); err == nil {
		t.Error("bob deletes anna's view")
	}
	if err := DeleteView(t.Context(), tx, id, anna); err != nil || len(names("anna")) != 1 {
		t.Error("anna cannot delete her view:", err)
	}
	var acts string
	if err := tx.QueryRow(t.Context(), "select string_agg(act || ' ' || who, ', ' order by id) from jobs.audit").Scan(&acts); err != nil ||
		acts != "save_view anna, save_view anna, save_view anna, delete_view anna" {
		t.Error("jobs.audit has", acts, err)
	}
	for _, v := range []SavedView{{Name: "x", Search: "stat:x"}, {Name: " ", Search: ""}, {Name: "a\x00", Search: ""}, {Name: "x", Columns: []string{"id; drop"}}} {
		var search *SearchError
		if _, err := v.Save(t.Context(), tx, anna); err == nil || !errors.As(err, &search) && !IsBadValue(err) {
			t.Errorf("saving %+v gives %v", v, err)
		}
	}
}

// TestCSV: an export has every job that matches once, and no cell that a spreadsheet would run.
func TestCSV(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	if _, err := tx.Exec(t.Context(), jobs+`; update river.river_job set kind = '=1+cmd|'' /C calc''!A0' where id = 16; update river.river_job set kind = E'+"a",\n' where id = 24`); err != nil {
		t.Fatal(err)
	}
	f, err := ParseSearch("state:discarded,available")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	n, more, err := f.CSV(t.Context(), tx, &out, []string{"id", "kind", "args", "finished_at", "run"})
	if err != nil || n != 100 || more {
		t.Fatal(n, more, err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 101 {
		t.Fatal(len(rows), err)
	}
	kinds := map[string]string{}
	for _, row := range rows[1:] {
		kinds[row[0]] = row[1]
	}
	if len(kinds) != 100 || kinds["16"] != "'=1+cmd|' /C calc'!A0" || kinds["24"] != "'+\"a\",\n" {
		t.Errorf("%d jobs, %q, %q", len(kinds), kinds["16"], kinds["24"])
	}
	for _, v := range []any{"=x", "+x", "-x", "@x", "\tx", "\rx"} {
		if got := cell(v); got != "'"+v.(string) {
			t.Errorf("%q is the cell %q", v, got)
		}
	}
	if got := cell(int64(-5)); got != "-5" {
		t.Error("a number is the cell", got)
	}
	if _, _, err := f.CSV(t.Context(), tx, &out, []string{"id from x; --"}); err == nil {
		t.Error("any text is a column")
	}
}

// TestSuggest: the word at the cursor is completed, names that start with it first.
func TestSuggest(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	if _, err := tx.Exec(t.Context(), jobs+`; insert into work.kind (kind) select 'kind_' || i from generate_series(1, 2000) i; insert into work.kind (kind) values ('my_kind_7'), ('two words')`); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, want string }{
		{"", "id: state: kind: queue: worker: waiting: args. tag: error: request: parent: release:"},
		{"kind:mail sta", "state:"},
		{"state:dis", "discarded"},
		{"state:discarded,re", "retryable"},
		{"kind:MAI", "mail"},
		{"kind:kind_77", "kind_77 kind_770 kind_771 kind_772 kind_773 kind_774 kind_775 kind_776 kind_777 kind_778 kind_779"},
		{`kind:"two w`, `"two words"`},
		{"queue:", "default mail"},
		{"worker:worker", "worker.1 worker.2 w1 w2"},
		{"error:refused", "3f9a00000001"},
		{"error:%", "3f9a00000001"},
		{"waiting:no_w", "no_worker no_worker_for_queue no_worker_for_kind"},
		{"tag:x", ""},
		{"nothing:x", ""},
		{"kind:\x00", ""},
	} {
		list, err := Suggest(t.Context(), tx, c.line, len(c.line))
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, s := range list {
			words = append(words, s.Word)
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%s suggests %s, not %s", c.line, got, c.want)
		}
	}
	list, err := Suggest(t.Context(), tx, "kind:mai state:discarded", len("kind:mai"))
	if err != nil || len(list) != 1 || list[0].Text != "kind:mail state:discarded" || list[0].At != len("kind:mail") {
		t.Errorf("in the middle: %+v, %v", list, err)
	}
}

// TestSearchEnds: a search that would take too long is ended by the caller's limit, and says so by its code.
func TestSearchEnds(t *testing.T) {
	t.Parallel()
	tx := testdb.Tx(t)
	if _, err := tx.Exec(t.Context(), jobs+"; set local statement_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	err := pgx.BeginFunc(t.Context(), tx, func(tx pgx.Tx) error {
		_, err := (Filter{Limit: 1}).Page(t.Context(), tx, "id, pg_sleep(1)::text", "", 10)
		return err
	})
	if r, ok := errors.AsType[*Refusal](err); !ok || !r.Canceled() {
		t.Error("the search ends with", err)
	}
}
