package recommend

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// counted is the worker under test, which counts its runs.
type counted struct {
	*ReaderWorker
	runs atomic.Int64
}

func (w *counted) Work(ctx context.Context, job *river.Job[ReaderArgs]) error {
	w.runs.Add(1)
	return w.ReaderWorker.Work(ctx, job)
}

// TestTenRatingsRaceARun: 200 readers each rate ten books from two browsers at once while jobs run. In any order, the
// last stored run includes the last rating, a reader's jobs never run concurrently, and nothing deadlocks.
func TestTenRatingsRaceARun(t *testing.T) {
	t.Parallel()
	const readers, ratings = 200, 10
	pool := testdb.New(t)
	s := siteOn(t, pool, pool)
	books := s.books(40)
	for i, b := range books {
		for d := 1; d <= 8; d++ {
			s.near(b, books[(i+d)%len(books)], 1/float32(d+1))
		}
	}
	ids := make([]int64, readers)
	for i := range ids {
		ids[i] = s.reader()
	}
	w := &counted{ReaderWorker: &ReaderWorker{DB: pool, Jobs: s.jobs, Log: quiet(t)}}
	workers := work.NewWorkers()
	work.AddWorker(workers, w)
	start(t, pool, workers)
	notices := listen(t, pool)

	g, gctx := errgroup.WithContext(t.Context())
	g.SetLimit(4) // two readers at a time leave workers idle enough to start between two of the ten ratings
	for _, id := range ids {
		for half := range 2 {
			g.Go(func() error {
				for n := half; n < ratings; n += 2 {
					err := s.in(gctx, id, func(tx pgx.Tx) error {
						return book.Rate(gctx, tx, id, books[(int(id)+3*n)%len(books)], book.Stars(1+rand.IntN(10)))
					})
					if err != nil {
						return fmt.Errorf("reader %d, rating %d: %w", id, n, err)
					}
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}

	// Every run sends a notice when it commits, and each may be the one that completes the set.
	behind := func() int {
		return one[int](s, `select count(*) from reader r left join recommendation_run n on n.reader_id = r.id
			where n.ratings_version is distinct from r.ratings_version or n.ratings <> $1`, ratings)
	}
	for n := behind(); n > 0; n = behind() {
		heard(t, notices, fmt.Sprintf("%d of %d readers have no run that includes their last rating", n, readers))
	}
	if n := one[int](s, "select count(*) from reader where ratings_version <> $1", ratings); n != 0 {
		t.Errorf("the ratings of %d readers were not all counted", n)
	}
	// A job excludes others of its reader until the commit that completes it; its worker returns a little later.
	if n := one[int](s, `select count(*) from river.river_job a join river.river_job b on a.args = b.args and a.id <> b.id
		where b.attempted_at between a.attempted_at and a.finalized_at`); n != 0 {
		t.Errorf("two jobs of a reader ran at once %d times", n)
	}
	if n := one[int](s, "select count(*) from river.river_job where cardinality(errors) > 0"); n != 0 {
		t.Errorf("%d jobs failed: %s", n, one[string](s, "select errors[1]::text from river.river_job where cardinality(errors) > 0 limit 1"))
	}
	runs := w.runs.Load()
	if runs <= readers || runs > readers*ratings {
		t.Errorf("%d runs for %d readers with %d ratings each: ratings never raced a run, or were not debounced", runs, readers, ratings)
	}
	t.Logf("%d ratings of %d readers: %d runs", readers*ratings, readers, runs)
}

// start runs a worker until the test ends.
func start(t *testing.T, pool *pgxpool.Pool, workers *work.Workers) {
	t.Helper()
	worktest.Start(t, pool, work.Options{
		Workers: workers, Queues: map[string]int{river.QueueDefault: 4}, Schema: "river", Log: quiet(t),
	})
}

// listen returns the readers whose pages are notified of new recommendations.
func listen(t *testing.T, pool *pgxpool.Pool) <-chan int64 {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "listen "+notice.Channel); err != nil {
		t.Fatal(err)
	}
	told, done := make(chan int64, 10_000), make(chan struct{})
	go func() {
		defer close(done)
		for {
			got, err := conn.WaitForNotification(ctx)
			if err != nil {
				return // the test has ended, or it will fail without this notice
			}
			var n notice.Notice
			if json.Unmarshal([]byte(got.Payload), &n) == nil && n.Topic == notice.TopicRecommendations {
				told <- n.ReaderID
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = conn.Close(context.WithoutCancel(ctx))
	})
	return told
}

// heard waits for the next notice, and fails the test with the message otherwise if none arrives.
func heard(t *testing.T, notices <-chan int64, otherwise string) {
	t.Helper()
	select {
	case <-notices:
	case <-time.After(time.Minute):
		t.Fatal(otherwise)
	}
}

// paused is a database on which the worker waits for a signal before its last transaction.
type paused struct {
	DB
	reached, goOn chan struct{}
	once          sync.Once
}

func (p *paused) Begin(ctx context.Context) (pgx.Tx, error) {
	p.once.Do(func() {
		close(p.reached)
		<-p.goOn
	})
	return p.DB.Begin(ctx)
}

// TestRatingsDuringOneRun is the same race in a fixed order: a run reads, then ten ratings commit, then the run stores.
// Exactly one more run follows.
func TestRatingsDuringOneRun(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	pool := testdb.New(t)
	s := siteOn(t, pool, pool)
	books, me := s.books(12), s.reader()
	db := &paused{DB: pool, reached: make(chan struct{}), goOn: make(chan struct{})}
	w := &counted{ReaderWorker: &ReaderWorker{DB: db, Jobs: s.jobs, Log: quiet(t)}}
	workers := work.NewWorkers()
	work.AddWorker(workers, w)
	start(t, pool, workers)
	notices := listen(t, pool)
	rate := func(i int) {
		if err := s.in(ctx, me, func(tx pgx.Tx) error { return book.Rate(ctx, tx, me, books[i], 8) }); err != nil {
			t.Fatal(err)
		}
	}
	rate(0)
	<-db.reached
	for i := range 10 {
		rate(i + 1)
	}
	if n := one[int](s, "select count(*) from river.river_job where kind = 'recommend_reader'"); n != 1 {
		t.Errorf("%d jobs while one runs, want 1", n)
	}
	close(db.goOn)
	var versions []int64
	for len(versions) == 0 || versions[len(versions)-1] < 11 {
		heard(t, notices, fmt.Sprintf("runs read versions %v; the last rating is version 11", versions))
		versions = append(versions, s.state(me).RunVersion)
	}
	// The second run may have been stored before the test received the first notice.
	if !slices.IsSorted(versions) || w.runs.Load() != 2 {
		t.Errorf("%d runs, versions read %v: want 2 runs", w.runs.Load(), versions)
	}
	if n := s.waiting(me); n != 0 {
		t.Errorf("%d runs are still waiting", n)
	}
}
