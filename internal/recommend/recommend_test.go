package recommend

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertest"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/pilot"
)

func TestMain(m *testing.M) { testdb.Main(m) }

func quiet(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
}

// site is a catalogue and readers for one test.
type site struct {
	t    testing.TB
	db   DB
	jobs *work.Client
}

// newSite is a site in a transaction that is rolled back. It has a build that includes all future ratings, because the
// change count is a sequence, which other tests' transactions change too.
func newSite(t testing.TB) (*site, pgx.Tx) {
	t.Helper()
	tx := testdb.Tx(t)
	s := siteOn(t, nil, tx)
	s.exec("insert into neighbour_build (readers, ratings, pairs, rating_change, took) values (0, 0, 0, 1::bigint << 60, '0')")
	return s, tx
}

func siteOn(t testing.TB, pool *pgxpool.Pool, db DB) *site {
	t.Helper()
	jobs, err := work.NewInserter(pool, work.Options{Schema: "river", Log: quiet(t)})
	if err != nil {
		t.Fatal(err)
	}
	return &site{t, db, jobs}
}

func (s *site) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

func one[T any](s *site, sql string, args ...any) (v T) {
	s.t.Helper()
	if err := s.db.QueryRow(s.t.Context(), sql, args...).Scan(&v); err != nil {
		s.t.Fatalf("%v: %s", err, sql)
	}
	return v
}

func (s *site) reader() int64 {
	s.t.Helper()
	return one[int64](s, `insert into reader (email, email_key, name, password_hash, mail_ready)
		values ($1, $1, 'Odo', '', false) returning id`, rand.Text()+"@example.org")
}

func (s *site) author() int64 {
	s.t.Helper()
	return one[int64](s, "insert into author (key, name, sort_name) values ($1, 'Author ' || $1, '') returning id", rand.Text())
}

// book adds a book by a new author.
func (s *site) book(title string) int64 {
	s.t.Helper()
	return s.volume(title, "", "", s.author())
}

// books adds n books.
func (s *site) books(n int) []int64 {
	s.t.Helper()
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = s.book(fmt.Sprintf("Book %d", i))
	}
	return ids
}

func (s *site) volume(title, series, volume string, author int64) int64 {
	s.t.Helper()
	return one[int64](s, `with b as (insert into book (title, series, volume) values ($1, $2, $3) returning id)
		insert into book_author (book_id, author_id) select id, $4 from b returning book_id`, title, series, volume, author)
}

// near makes neighbour similar to candidate.
func (s *site) near(candidate, neighbour int64, similarity float32) {
	s.t.Helper()
	s.exec("insert into neighbour (book_id, neighbour_id, similarity) values ($1, $2, $3)", candidate, neighbour, similarity)
}

func (s *site) popular(bookID int64, readers int, score float32) {
	s.t.Helper()
	s.exec("insert into popularity (book_id, readers, score) values ($1, $2, $3)", bookID, readers, score)
}

// in runs what a handler does.
func (s *site) in(ctx context.Context, readerID int64, change func(tx pgx.Tx) error) error {
	return Change(ctx, s.db, s.jobs, readerID, change)
}

func (s *site) rate(readerID, bookID int64, halfStars int) {
	s.t.Helper()
	err := book.Rate(s.t.Context(), s.tx(), readerID, bookID, book.Stars(halfStars))
	if err != nil {
		s.t.Fatal(err)
	}
}

// tx returns the transaction of a site of newSite.
func (s *site) tx() pgx.Tx { return s.db.(pgx.Tx) }

// run works the reader's job as a worker process does.
func (s *site) run(readerID int64) {
	s.t.Helper()
	if err := s.runWith(&ReaderWorker{DB: s.db, Jobs: s.jobs, Log: quiet(s.t)}, readerID); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) runWith(w *ReaderWorker, readerID int64) error {
	s.t.Helper()
	t := s.t.(*testing.T)
	_, err := rivertest.NewWorker(t, pilot.NewDriver(nil), &river.Config{Schema: "river"}, w).
		Work(t.Context(), t, s.tx(), ReaderArgs{readerID}, nil)
	return err
}

// waiting returns the number of runs of the reader that wait.
func (s *site) waiting(readerID int64) int {
	s.t.Helper()
	return one[int](s, `select count(*) from river.river_job
		where kind = 'recommend_reader' and state = 'available' and (args->>'reader_id')::bigint = $1`, readerID)
}

func (s *site) list(readerID int64) []Item {
	s.t.Helper()
	items, err := List(s.t.Context(), s.db, readerID, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	return items
}

func (s *site) state(readerID int64) State {
	s.t.Helper()
	state, err := StateOf(s.t.Context(), s.db, readerID)
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

func ids(items []Item) []int64 {
	ids := make([]int64, len(items))
	for i, item := range items {
		ids[i] = item.BookID
	}
	return ids
}

func (s *site) wantList(readerID int64, want ...int64) {
	s.t.Helper()
	if got := ids(s.list(readerID)); !slices.Equal(got, want) {
		s.t.Fatalf("recommended books %v, want %v", got, want)
	}
}

// taste adds a reader with three liked books, and seven candidates similar to the first of them, the most similar
// first.
func (s *site) taste() (reader int64, liked, candidates []int64) {
	s.t.Helper()
	reader, liked, candidates = s.reader(), s.books(3), s.books(7)
	for _, b := range liked {
		s.rate(reader, b, 10)
	}
	for i, c := range candidates {
		s.near(c, liked[0], 0.9-float32(i)/10)
	}
	return reader, liked, candidates
}
