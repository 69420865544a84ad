package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// tripSite is a site on a pool of one connection, which counts its requests' round trips to the database. It has the books 1001 to 1030.
type tripSite struct {
	*testSite
	pool *pgxpool.Pool
	log  bytes.Buffer
}

func newTripSite(t *testing.T, databaseURL string) *tripSite {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.Tracer, cfg.MaxConns = trace.Queries{}, 1
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := &tripSite{testSite: newSite(t), pool: pool}
	workers := work.NewWorkers()
	work.AddWorker(workers, &recommend.ReaderWorker{})
	work.AddWorker(workers, &mail.DeliverWorker{})
	if s.server.Jobs, err = work.NewInserter(pool, work.Options{Schema: "river", Log: s.server.Log, Workers: workers}); err != nil {
		t.Fatal(err)
	}
	s.server.DB, s.server.Log = pool, slog.New(slog.NewJSONHandler(&s.log, nil))
	s.exec(`insert into subject (key, name) values ('war', 'War');
		insert into book (id, title) overriding system value select 1000 + n, 'War ' || n from generate_series(1, 30) n;
		insert into book_subject (book_id, subject) select id, 'war' from book;
		insert into book_word (word, book_id, weight) select 'war', id, 1 from book;
		insert into popularity (book_id, readers, score) select id, 3, id from book;
		insert into neighbour (book_id, neighbour_id, similarity) select 1001, id, 1 from book where id between 1002 and 1009`)
	return s
}

func (s *tripSite) exec(sql string) {
	s.t.Helper()
	if _, err := s.pool.Exec(s.t.Context(), sql); err != nil {
		s.t.Fatal(err)
	}
}

// signUp signs the client in.
func (s *tripSite) signUp() {
	s.t.Helper()
	s.post("/signup", url.Values{"name": {"Odo"}, "email": {s.email("odo")}, "password": {"a long password"}}).leadsTo("/")
}

// settle gives the reader ratings, shelves, mail, and a list that is up to date.
func (s *tripSite) settle() {
	s.t.Helper()
	s.exec(`insert into rating (reader_id, book_id, stars) select r.id, b.id, 8 from reader r, book b where b.id <= 1005;
		insert into shelving (reader_id, book_id, status) select r.id, b.id, 'reading' from reader r, book b where b.id = 1004;
		insert into recommendation (reader_id, book_id, rank, score, because) select r.id, b.id, b.id - 1010, 1, '{1001}' from reader r, book b where b.id between 1011 and 1020;
		insert into recommendation_run (reader_id, ratings_version, basis, ratings) select id, ratings_version, 'neighbours', 5 from reader;
		insert into message (reader_id, kind, key, message_id, to_address) select id, 'welcome', 'key ' || n, 'id ' || n, email from reader, generate_series(1, 60) n;
		update message set state = 'sent', subject = 'Welcome', body_text = 'Welcome', sent_at = now()`)
}

// trips makes a request and returns its round trips.
func (s *tripSite) trips(method, path string, form url.Values, want int) int {
	s.t.Helper()
	s.log.Reset()
	if method == http.MethodGet {
		s.get(path).wants(want)
	} else {
		s.post(path, form).wants(want)
	}
	var line struct{ Trips int }
	if err := json.Unmarshal(s.log.Bytes(), &line); err != nil {
		s.t.Fatalf("%v: %s", err, s.log.String())
	}
	return line.Trips
}

// TestRoundTrips: a page takes two or three round trips to the database, an act takes two, one of them for the session.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	direct := testdb.NewURL(t)
	for name, databaseURL := range map[string]string{
		"direct": direct, "pooler": worktest.Pooler(t, testdb.NewURL(t)) + "&default_query_exec_mode=cache_describe",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTripSite(t, databaseURL)
			pages := func(who string, want map[string]int) {
				t.Helper()
				for path, n := range want {
					if got := s.trips(http.MethodGet, path, nil, http.StatusOK); got != n {
						t.Errorf("%s of a %s: %d round trips, want %d", path, who, got, n)
					}
				}
			}
			pages("visitor", map[string]int{"/": 2, "/books": 2, "/books?q=war": 2, "/books?subject=war": 2, "/books/1001": 2, "/signin": 0})
			s.signUp()
			pages("new reader", map[string]int{"/": 3, "/recommendations": 3}) // four where popular books belong to series
			s.settle()
			message := "/mailbox/" + fmt.Sprint(s.number("select min(id) from message"))
			pages("reader", map[string]int{
				"/": 3, "/books": 3, "/books?q=war": 3, "/books?subject=war": 3, "/books?page=2": 4, "/books/1001": 3, "/recommendations": 2,
				"/shelf?tab=reading": 3, "/shelf?tab=rated": 3, "/shelf?tab=rated&page=9": 4, "/mailbox": 2, message: 2, "/settings": 2, "/settings/delete": 2,
			})
			for _, act := range []struct {
				path string
				form url.Values
			}{
				{"/books/1001/rating", url.Values{"stars": {"2"}}},
				{"/books/1001/rating", url.Values{"stars": {"3"}}}, // its job is a duplicate
				{"/books/1001/rating", url.Values{"stars": {""}}},
				{"/books/1001/shelf", url.Values{"status": {"read"}}},
				{"/books/1001/shelf", url.Values{"status": {"none"}}},
				{"/books/1012/dismissal", nil},
				{"/books/1012/dismissal", url.Values{"undo": {"yes"}}},
				{message + "/read", nil},
				{"/settings", url.Values{"name": {"Odo"}, "time_zone": {"UTC"}}},
				{"/signout", nil},
			} {
				if got := s.trips(http.MethodPost, act.path, act.form, http.StatusSeeOther); got != 2 {
					t.Errorf("%s %v: %d round trips, want 2", act.path, act.form, got)
				}
			}
			if n := s.number("select count(*) from river.river_job where kind = 'recommend_reader'"); n != 1 {
				t.Errorf("%d jobs", n)
			}
		})
	}
}

// TestUnknownBookEnqueuesNothing: an act on a book that does not exist is undone in the database, with its job.
func TestUnknownBookEnqueuesNothing(t *testing.T) {
	t.Parallel()
	s := newTripSite(t, testdb.NewURL(t))
	s.signUp()
	for act, form := range map[string]url.Values{
		"rating": {"stars": {"2"}}, "shelf": {"status": {"read"}}, "dismissal": nil,
	} {
		s.post("/books/77/"+act, form).wants(http.StatusNotFound, "No such book")
	}
	s.post("/books/77/rating", url.Values{"stars": {""}}).wants(http.StatusNotFound)
	s.post("/books/77/shelf", url.Values{"status": {"none"}}).wants(http.StatusNotFound)
	if n := s.number("select count(*) from river.river_job where kind = 'recommend_reader'"); n != 0 {
		t.Errorf("%d jobs were enqueued", n)
	}
	if n := s.number("select ratings_version from reader"); n != 0 {
		t.Errorf("ratings version %d", n)
	}
}

// TestPlansAreKept: Postgres plans no statement of a page or an act at each call.
func TestPlansAreKept(t *testing.T) {
	t.Parallel()
	s := newTripSite(t, testdb.NewURL(t))
	s.signUp()
	s.settle()
	s.exec("analyze; set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off") // plans as for large tables
	// The first calls of a statement decide. Home is first, since it shows one book, for which a plan of its own looks best.
	for _, path := range []string{"/", "/books", "/books?subject=war", "/books/1001", "/recommendations", "/shelf", "/mailbox", "/settings"} {
		for range 12 {
			s.trips(http.MethodGet, path, nil, http.StatusOK)
		}
	}
	for n := range 12 {
		s.trips(http.MethodPost, "/books/1001/rating", url.Values{"stars": {fmt.Sprint(1 + n%2)}}, http.StatusSeeOther)
	}
	rows, err := s.pool.Query(t.Context(), "select statement, generic_plans, custom_plans from pg_prepared_statements where custom_plans > 6")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var sql string
		var generic, custom int
		if err := rows.Scan(&sql, &generic, &custom); err != nil {
			t.Fatal(err)
		}
		t.Errorf("planned %d times, %d times not: %.300s", custom, generic, sql)
	}
}

// number asks the site's own database, which is not that of count.
func (s *tripSite) number(sql string) (n int) {
	s.t.Helper()
	if err := s.pool.QueryRow(s.t.Context(), sql).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}
