package importer

import (
	"bytes"
	"log/slog"
	"maps"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/importer/listing"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// bench is a site in a transaction that is rolled back, with a reader. Tests with one do not run in parallel, because each adds the same
// authors.
type bench struct {
	t    *testing.T
	tx   pgx.Tx
	jobs *work.Client
	me   int64
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, tx: testdb.Tx(t), jobs: newJobs(t)}
	b.me = b.reader("me")
	return b
}

func newJobs(t testing.TB) *work.Client {
	t.Helper()
	workers := work.NewWorkers()
	work.AddWorker(workers, &Worker{})
	work.AddWorker(workers, &recommend.ReaderWorker{})
	jobs, err := work.NewInserter(nil, work.Options{Schema: "river", Workers: workers, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func (b *bench) reader(name string) int64 {
	return b.value("insert into reader (email, email_key, name, password_hash) values ($1, $1, $1, 'x') returning id", name+"@"+b.t.Name())
}

// book adds a book to the catalogue.
func (b *bench) book(title, author string) int64 {
	b.t.Helper()
	id := b.value("insert into book (title) values ($1) returning id", title)
	if author != "" {
		b.exec(`with a as (insert into author (key, name, sort_name) values ($2, $3, $3) on conflict (key) do update set name = excluded.name returning id)
			insert into book_author (book_id, author_id) select $1, id from a`, id, authorKey(author), author)
	}
	if err := book.Index(b.t.Context(), b.tx, []int64{id}); err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bench) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.tx.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) value(sql string, args ...any) (n int64) {
	b.t.Helper()
	if err := b.tx.QueryRow(b.t.Context(), sql, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) start(content string) (int64, error) {
	file, err := listing.Open(bytes.NewReader([]byte(content)))
	if err != nil {
		return 0, err
	}
	return Start(b.t.Context(), b.tx, b.jobs, b.me, "books.csv", file)
}

// imports imports a file as the job does, and returns the import.
func (b *bench) imports(content string) Import {
	b.t.Helper()
	ctx := b.t.Context()
	id, err := b.start(content)
	if err != nil {
		b.t.Fatal(err)
	}
	in := b.get(id)
	for _, phase := range []func(after, upto int32) error{
		func(after, upto int32) error { _, err := match(ctx, b.tx, id, after, upto); return err },
		func(after, upto int32) error { _, err := write(ctx, b.tx, Args{id, b.me}, after, upto); return err },
	} {
		for n := int32(0); n < int32(in.Rows); n += 3 {
			if err := phase(n, n+3); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	if err := finish(ctx, b.tx, b.jobs, b.me, id, false); err != nil {
		b.t.Fatal(err)
	}
	return b.get(id)
}

func (b *bench) get(id int64) Import {
	b.t.Helper()
	in, err := Get(b.t.Context(), b.tx, b.me, id)
	if err != nil {
		b.t.Fatal(err)
	}
	return in
}

func (b *bench) rows(in Import, outcomes ...string) []Row {
	b.t.Helper()
	rows, err := Rows(b.t.Context(), b.tx, in.ID, 100, outcomes...)
	if err != nil {
		b.t.Fatal(err)
	}
	return rows
}

// wants checks the numbers of rows by outcome, and that no row is missing.
func (b *bench) wants(in Import, want map[string]int) {
	b.t.Helper()
	sum := 0
	for _, n := range in.Counts {
		sum += n
	}
	if !maps.Equal(in.Counts, want) || sum != in.Rows {
		b.t.Errorf("of %d rows %v, want %v", in.Rows, in.Counts, want)
		for _, r := range b.rows(in, Added, Changed, Same, Merged, KeptOwn, Unclear, Skipped, Failed, Waiting) {
			b.t.Logf("%d %s: %s (%s) %v", r.Line, r.Title, r.Outcome, r.Reason, r.Candidates)
		}
	}
}

// said returns what the reader says about a book: half stars and shelf.
func (b *bench) said(id int64) (int, string) {
	b.t.Helper()
	said, err := book.Mine(b.t.Context(), b.tx, b.me, id)
	if err != nil {
		b.t.Fatal(err)
	}
	return int(said.Stars), said.Shelf
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("listing/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
