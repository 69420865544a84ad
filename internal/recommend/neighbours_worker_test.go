package recommend

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertest"
	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/recommend/knn"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/pilot"
)

// newSiteAlone is a site on its own database, for tests that depend on the change count, which is a sequence, and on
// all ratings.
func newSiteAlone(t *testing.T) *site {
	t.Helper()
	tx, err := testdb.New(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	return siteOn(t, nil, tx)
}

func (s *site) rebuild() {
	s.t.Helper()
	s.rebuildOn(s.db)
}

func (s *site) rebuildOn(db DB) {
	s.t.Helper()
	t := s.t.(*testing.T)
	w := &NeighboursWorker{DB: db, Jobs: s.jobs}
	_, err := rivertest.NewWorker(t, pilot.NewDriver(nil), &river.Config{Schema: "river"}, w).
		Work(t.Context(), t, s.tx(), NeighboursArgs{}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// crowd adds readers of two tastes: even ones like the first half of books, odd ones the second.
func (s *site) crowd(readers int, books []int64) {
	s.t.Helper()
	for r := range readers {
		id, half := s.reader(), books[:len(books)/2]
		if r%2 == 1 {
			half = books[len(books)/2:]
		}
		for i, b := range half {
			if (r/2+i)%4 != 0 { // each reader has read three quarters
				s.rate(id, b, 10-i%3)
			}
		}
	}
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	s := newSiteAlone(t)
	books := s.books(12)
	s.crowd(40, books)
	s.exec("insert into neighbour (book_id, neighbour_id, similarity) values ($1, $2, 1)", books[0], books[11]) // of an older build
	s.rebuild()

	if n := one[int](s, "select count(*) from neighbour"); n != 12*5 {
		t.Errorf("%d pairs, want five per book, from its own half", n)
	}
	across := one[int](s, `select count(*) from neighbour
		where (book_id = any($1)) <> (neighbour_id = any($1)) or book_id = neighbour_id`, books[:6])
	if across != 0 {
		t.Errorf("%d pairs join the two tastes, or a book with itself", across)
	}
	ratings, err := load(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	near, err := knn.Neighbours(t.Context(), ratings, neighboursKept, knn.Shrink(40), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range near {
		for _, n := range b.Near {
			stored := one[float32](s, "select similarity from neighbour where book_id = $1 and neighbour_id = $2", b.Book, n.ID)
			if stored != n.Similarity {
				t.Errorf("similarity of %d and %d: stored %v, computed %v", b.Book, n.ID, stored, n.Similarity)
			}
		}
	}
	if n := one[int](s, "select sum(readers) from popularity"); n != one[int](s, "select count(*) from rating") {
		t.Errorf("popularity counts %d ratings", n)
	}
	build := one[string](s, "select readers || ' ' || (ratings = (select count(*) from rating)) || ' ' || pairs || ' ' || (rating_change = (select last_value from rating_change)) from neighbour_build")
	if build != "40 true 60 true" {
		t.Errorf("build: %s", build)
	}

	s.rebuild()
	if n := one[int](s, "select count(*) from neighbour_build"); n != 1 {
		t.Errorf("%d builds, but nothing changed after the first", n)
	}
	s.rate(one[int64](s, "select min(id) from reader"), books[0], 1)
	s.rebuild()
	if n := one[int](s, "select count(*) from neighbour_build"); n != 2 {
		t.Errorf("%d builds after a change", n)
	}
}

func TestRebuildForFewReaders(t *testing.T) {
	t.Parallel()
	s := newSiteAlone(t)
	s.rebuild()
	if n := one[int](s, "select count(*) from neighbour_build where ratings = 0"); n != 1 {
		t.Errorf("%d builds of an empty site", n)
	}
	s.crowd(minReaders-1, s.books(8))
	s.rebuild()
	pairs, popular := one[int](s, "select count(*) from neighbour"), one[int](s, "select count(*) from popularity")
	if pairs != 0 || popular != 8 {
		t.Errorf("%d pairs, want none yet; %d popular books, want 8", pairs, popular)
	}
}

func TestRebuildGivesTheOverlookedAList(t *testing.T) {
	t.Parallel()
	s := newSiteAlone(t)
	books := s.books(12)
	s.crowd(40, books)
	taste, few, harsh, unrun := s.reader(), s.reader(), s.reader(), s.reader()
	for i := range 3 {
		s.rate(taste, books[i], 10)
		s.rate(harsh, books[i], 3)
		s.rate(unrun, books[i], 10)
	}
	s.rate(few, books[0], 10)
	for _, r := range []int64{taste, few, harsh} {
		s.run(r)
		if st := s.state(r); st.Basis != Popular {
			t.Fatalf("basis %q without any neighbours", st.Basis)
		}
	}
	s.exec("delete from river.river_job")
	s.rebuild()
	for r, want := range map[int64]int{taste: 1, few: 0, harsh: 0, unrun: 0} {
		if n := s.waiting(r); n != want {
			t.Errorf("reader %d of %v: %d waiting runs, want %d", r, []int64{taste, few, harsh, unrun}, n, want)
		}
	}
	s.run(taste)
	if st := s.state(taste); st.Basis != Neighbours {
		t.Errorf("basis %q after the build", st.Basis)
	}
	for _, item := range s.list(taste)[:3] {
		if len(item.Reasons) == 0 {
			t.Errorf("%+v has no reason", item)
		}
	}
}

// TestRebuildSeesListsThatWereStoredMeanwhile: a run that stores its list during a build does not see the build, and
// the build must look for such lists after its commit.
func TestRebuildSeesListsThatWereStoredMeanwhile(t *testing.T) {
	t.Parallel()
	s := newSiteAlone(t)
	books := s.books(12)
	s.crowd(40, books)
	me := s.reader()
	for _, b := range books[:3] {
		s.rate(me, b, 10)
	}
	s.run(me)
	s.exec("delete from river.river_job")
	basis := func(to string) { s.exec("update recommendation_run set basis = $2 where reader_id = $1", me, to) }
	basis(Neighbours) // as if the list of popular books were not stored yet
	transactions := 0
	s.rebuildOn(beforeFinish{s.db, func() error {
		if transactions++; transactions == 2 { // the build is committed
			basis(Popular)
		}
		return nil
	}})
	if n := s.waiting(me); n != 1 {
		t.Errorf("%d waiting runs, want 1", n)
	}
}

func TestRebuildIsUnique(t *testing.T) {
	t.Parallel()
	s := newSiteAlone(t)
	for range 3 {
		if _, err := s.jobs.InsertTx(t.Context(), s.tx(), NeighboursArgs{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := one[int](s, "select count(*) from river.river_job where kind = 'rebuild_neighbours'"); n != 1 {
		t.Errorf("%d waiting rebuilds, want 1", n)
	}
}

// TestRebuildsAmongRunsDoNotDeadlock: readers rate and runs complete while neighbours are rebuilt repeatedly. Each of
// the three enqueues jobs that another completes, and so waits for it.
func TestRebuildsAmongRunsDoNotDeadlock(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	s := siteOn(t, pool, pool)
	books, readers := s.books(30), make([]int64, 60)
	for i := range readers {
		readers[i] = s.reader()
	}
	workers := work.NewWorkers()
	work.AddWorker(workers, &ReaderWorker{DB: pool, Jobs: s.jobs, Log: quiet(t)})
	work.AddWorker(workers, &NeighboursWorker{DB: pool, Jobs: s.jobs})
	start(t, pool, workers)
	notices := listen(t, pool)

	g, gctx := errgroup.WithContext(t.Context())
	g.SetLimit(4)
	built := func() int { return one[int](s, "select count(*) from neighbour_build") }
	for n := 0; n < 15 || n < 1000 && built() < 2; n++ { // enough for builds and runs to overlap
		for r, id := range readers {
			g.Go(func() error {
				return s.in(gctx, id, func(tx pgx.Tx) error {
					return book.Rate(gctx, tx, id, books[(r%3*10+n+r)%len(books)], book.Stars(7+n%4))
				})
			})
		}
		g.Go(func() error {
			return pgx.BeginFunc(gctx, pool, func(tx pgx.Tx) error {
				_, err := s.jobs.InsertTx(gctx, tx, NeighboursArgs{}, nil)
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for {
		if n := one[int](s, `select count(*) from reader r left join recommendation_run n on n.reader_id = r.id
			where n.ratings_version is distinct from r.ratings_version`); n == 0 {
			break
		}
		heard(t, notices, "some readers have no run that includes their last rating")
	}
	if n := one[int](s, "select count(*) from river.river_job where cardinality(errors) > 0"); n != 0 {
		t.Errorf("%d jobs failed: %s", n, one[string](s, "select errors[1]::text from river.river_job where cardinality(errors) > 0 limit 1"))
	}
	builds := built()
	if builds < 2 {
		t.Errorf("%d builds: they hardly overlapped the runs", builds)
	}
	t.Logf("%d builds among %d runs", builds, one[int](s, "select count(*) from river.river_job where kind = 'recommend_reader'"))
}
