package shelf_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/form"
	"github.com/backlist/backlist/internal/shelf"
	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// testBundle is a transaction with a reader in it.
type testBundle struct {
	ctx    context.Context
	tx     pgx.Tx
	reader int64
}

func setup(t *testing.T) testBundle {
	t.Helper()
	b := testBundle{ctx: t.Context(), tx: testdb.Tx(t)}
	b.reader = b.insert(t, "insert into reader (email, email_key, name, password_hash) values ($1, lower($1), 'Odo', '') returning id", rand.Text()+"@example.com")
	return b
}

func (b testBundle) insert(t *testing.T, sql string, args ...any) int64 {
	t.Helper()
	var id int64
	if err := b.tx.QueryRow(b.ctx, sql, args...).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

func (b testBundle) book(t *testing.T, title string) int64 {
	t.Helper()
	return b.insert(t, "insert into book (title) values ($1) returning id", title)
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"to-read", "reading", "read", "none"} {
		if got, err := shelf.ParseStatus(s); err != nil || string(got) != s {
			t.Errorf("ParseStatus(%q) = %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "rated", "READ", "read ", "\x00", "dropped"} {
		if _, err := shelf.ParseStatus(s); err == nil {
			t.Errorf("ParseStatus(%q) succeeded", s)
		} else if invalid, ok := errors.AsType[form.Invalid](err); !ok || invalid["status"] == "" {
			t.Errorf("ParseStatus(%q): %v, want a sentence for status", s, err)
		}
	}
	for s, want := range map[string]shelf.Status{"": "to-read", "none": "to-read", "\xff": "to-read", "rated": "rated", "read": "read"} {
		if got := shelf.ParseTab(s); got != want {
			t.Errorf("ParseTab(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestPut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	emma := b.book(t, "Emma")
	if _, err := b.tx.Exec(b.ctx, "insert into recommendation (reader_id, book_id, rank, score) values ($1, $2, 1, 1)", b.reader, emma); err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		put     shelf.Status
		want    string
		version int64
	}{
		{shelf.None, "", 0},
		{shelf.ToRead, "to-read", 1},
		{shelf.ToRead, "to-read", 1},
		{shelf.Reading, "reading", 2},
		{shelf.Read, "read", 3},
		{shelf.None, "", 4},
		{shelf.None, "", 4},
	} {
		if err := shelf.Put(b.ctx, b.tx, b.reader, emma, step.put); err != nil {
			t.Fatal(err)
		}
		var status string
		var version, recommended int64
		if err := b.tx.QueryRow(b.ctx, `select coalesce((select status from shelving where reader_id = $1 and book_id = $2), ''),
			(select ratings_version from reader where id = $1), (select count(*) from recommendation where reader_id = $1)`,
			b.reader, emma).Scan(&status, &version, &recommended); err != nil {
			t.Fatal(err)
		}
		if status != step.want || version != step.version {
			t.Errorf("step %d: on %q, version %d; want %q, %d", i, status, version, step.want, step.version)
		}
		if want := int64(1); (i == 0) != (recommended == want) {
			t.Errorf("step %d: recommended %d times", i, recommended)
		}
	}
}

func TestPutUnknownBook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, status := range []shelf.Status{shelf.Read, shelf.None} {
		err := pgx.BeginFunc(b.ctx, b.tx, func(tx pgx.Tx) error { return shelf.Put(b.ctx, tx, b.reader, math.MaxInt64, status) })
		if !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("%s: %v, want pgx.ErrNoRows", status, err)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := setup(t)
	for n := range 50 {
		id := b.book(t, fmt.Sprintf("Book %02d", n))
		if _, err := b.tx.Exec(b.ctx, "insert into shelving values ($1, $2, 'read', now() - $3 * interval '1 hour')", b.reader, id, n); err != nil {
			t.Fatal(err)
		}
		if n < 2 {
			if err := book.Rate(b.ctx, b.tx, b.reader, id, 7); err != nil {
				t.Fatal(err)
			}
			if _, err := b.tx.Exec(b.ctx, "update rating set rated_at = now() + $1 * interval '1 hour' where book_id = $2", n, id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := shelf.Put(b.ctx, b.tx, b.reader, b.book(t, "Wanted"), shelf.ToRead); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		status             shelf.Status
		page               int
		first              string
		books, want, pages int
	}{
		{shelf.Read, 1, "Book 00", 24, 1, 3},
		{shelf.Read, 3, "Book 48", 2, 3, 3},
		{shelf.Read, math.MaxInt, "Book 48", 2, 3, 3},
		{shelf.Read, math.MinInt, "Book 00", 24, 1, 3},
		{shelf.ToRead, 1, "Wanted", 1, 1, 1},
		{shelf.Rated, 1, "Book 01", 2, 1, 1},
		{shelf.Reading, 2, "", 0, 1, 1},
	} {
		p, err := shelf.List(b.ctx, b.tx, b.reader, c.status, c.page)
		if err != nil {
			t.Fatal(err)
		}
		first := ""
		if len(p.Books) > 0 {
			first = p.Books[0].Title
		}
		if first != c.first || len(p.Books) != c.books || p.Page != c.want || p.Pages != c.pages {
			t.Errorf("%s page %d: %d books from %q, page %d of %d", c.status, c.page, len(p.Books), first, p.Page, p.Pages)
		}
		if p.ToRead != 1 || p.Reading != 0 || p.Read != 50 || p.Rated != 2 {
			t.Errorf("%s: counts %+v", c.status, p)
		}
	}
	p, err := shelf.List(other.ctx, other.tx, other.reader, shelf.Read, 1)
	if err != nil || len(p.Books) != 0 || p.Read != 0 || p.Pages != 1 {
		t.Errorf("another reader sees %+v, %v", p, err)
	}
}
