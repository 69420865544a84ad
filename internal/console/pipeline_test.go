package console

import (
	"fmt"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/internal/testdb"
	view "github.com/backlist/backlist/views/console"
)

type number struct{ N int }

// question asks a statement with a column n.
func question(sql string, args pgx.NamedArgs) Question {
	p := NewPanel("test", "Test", sql, func([]number, view.Viewer) templ.Component { return templ.NopComponent })
	return p.Ask(args)
}

// TestPipeline: the panels of a page share a round trip, and one that fails or takes too long leaves the others alone.
func TestPipeline(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	if _, err := pool.Exec(t.Context(), "create table written (n int)"); err != nil {
		t.Fatal(err)
	}
	questions := []Question{
		question("select @n::int as n", pgx.NamedArgs{"n": 7}),
		question("selec", nil), // cannot be prepared
		question("select 1 as n from pg_sleep(30)", nil),
		question("select 1 / @n::int as n", pgx.NamedArgs{"n": 0}),
		question("select @n::int as n", pgx.NamedArgs{"n": []string{}}),       // cannot be sent
		question("select 1 / (3 - n) as n from generate_series(1, 9) n", nil), // fails after its first rows
		question("with w as (insert into written values (1) returning n) select n from w", nil),
		question("select 'seven' as n", nil), // cannot be read
		question("select (extract(epoch from current_setting('statement_timeout')::interval) * 1000)::int as n", nil),
		question("select n from generate_series(1, 3) n", nil),
	}
	const others = "another error"
	want := []string{"[{7}]", "42601", "57014", "22012", others, "22012", "25006", others, "[{1000}]", "[{1} {2} {3}]"}
	a := newAsker(pool)
	for range 2 { // with statements that are new to the connection, and with prepared ones
		for i, r := range a.ask(t.Context(), questions) {
			got := fmt.Sprint(r.Rows)
			if r.Err != nil {
				got = others
			}
			if pgErr, ok := r.Err.(*pgconn.PgError); ok {
				got = pgErr.Code
			}
			if got != want[i] || r.At.IsZero() {
				t.Errorf("%s: %s at %s, want %s (%v)", questions[i].SQL, got, r.At, want[i], r.Err)
			}
		}
	}
}

// TestLockedPanel: a panel whose views are locked, as while a migration replaces them, is late, and leaves the others alone.
func TestLockedPanel(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	if _, err := pool.Exec(t.Context(), "create table replaced (n int)"); err != nil {
		t.Fatal(err)
	}
	migration, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer migration.Rollback(t.Context())
	if _, err := migration.Exec(t.Context(), "lock table replaced in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	a := newAsker(pool)
	a.limit = 50 * time.Millisecond
	readings := a.ask(t.Context(), []Question{question("select n from replaced", nil), question("select 1 as n", nil)})
	if !late(readings[0].Err) || fmt.Sprint(readings[1].Rows) != "[{1}]" {
		t.Errorf("the locked panel: %v; the other: %v, %v", readings[0].Err, readings[1].Rows, readings[1].Err)
	}
}

// TestPreparedStatements: a connection keeps a bounded number of them, and one whose columns changed is prepared again.
func TestPreparedStatements(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	a := newAsker(pool)
	ask := func(sql string) Reading { return a.ask(t.Context(), []Question{question(sql, nil)})[0] }
	for i := range mostPrepared + 20 {
		if r := ask(fmt.Sprintf("select %d as n", i)); fmt.Sprint(r.Rows) != fmt.Sprintf("[{%d}]", i) {
			t.Fatalf("the %dth: %+v", i, r)
		}
	}
	r := ask("select count(*)::int as n from pg_prepared_statements where name like 'console%'")
	if n := r.Rows.([]number)[0].N; n > mostPrepared+1 {
		t.Errorf("the connection keeps %d statements", n)
	}
	for _, sql := range []string{"create view public.changing as select 1 as n", "drop view public.changing; create view public.changing as select 2::bigint as n"} {
		if _, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		ask("select * from public.changing") // the first after the change may fail
	}
	if r := ask("select * from public.changing"); fmt.Sprint(r.Rows) != "[{2}]" {
		t.Errorf("after the view changed: %+v", r)
	}
}
