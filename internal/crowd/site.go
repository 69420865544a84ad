package crowd

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/seed"
	"github.com/backlist/backlist/internal/work"
)

// Site is how the site of a load test is made.
type Site struct {
	Size demo.Size
	Pool *pgxpool.Pool                                              // on an empty database
	Jobs func(pool *pgxpool.Pool) (*work.Client, error)             // returns a client that enqueues the product's jobs
	Work func(ctx context.Context, ready func()) error              // runs a worker on the database until ctx ends
	Seed func(ctx context.Context, pool *pgxpool.Pool) (int, error) // loads the catalogue
	Say  func(format string, args ...any)                           // reports progress
	Step seed.Step                                                  // reports how much of a table is filled
}

const (
	// listed is the number of readers who have a list before a load test. The others get theirs with their first rating.
	listed = 2000
	// buildTime bounds the time in which a worker compares all books and makes the lists.
	buildTime = 15 * time.Minute
)

// Password is the password of all readers of a load test's site.
const Password = "only for a measurement"

// Fill makes the site of a load test: books, readers and their ratings by COPY, then by a worker which books are alike and the
// first readers' lists.
func (s Site) Fill(ctx context.Context) error {
	if err := db.Migrate(ctx, s.Pool, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if _, err := s.Seed(ctx, s.Pool); err != nil {
		return err
	}
	books, err := catalogue.Load()
	if err != nil {
		return err
	}
	hash, err := reader.NewHasher().Hash(ctx, Password)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.Pool, func(tx pgx.Tx) error {
		return seed.Site(ctx, tx, demo.NewSite(books, s.Size), hash, s.Step)
	})
	if err != nil {
		return fmt.Errorf("fill the site: %w", err)
	}
	s.Say("vacuuming")
	if _, err := s.Pool.Exec(ctx, "vacuum analyze"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	return s.settle(ctx)
}

// settle lets a worker compute what follows from the ratings.
func (s Site) settle(ctx context.Context) (err error) {
	jobs, err := s.Jobs(s.Pool)
	if err != nil {
		return fmt.Errorf("job client: %w", err)
	}
	if _, err := jobs.Insert(ctx, recommend.NeighboursArgs{}, nil); err != nil {
		return fmt.Errorf("enqueue rebuild_neighbours: %w", err)
	}
	s.Say("letting a worker compute which books are alike")
	return s.whileWorking(ctx, func() error {
		if err := whenIdle(ctx, s.Pool, buildTime); err != nil {
			return err
		}
		s.Say("letting it make the lists of %d readers", min(listed, s.Size.Readers))
		// Without mail, of which a reader gets one a day: the load test is to send it.
		if err := s.mailReady(ctx, false); err != nil {
			return err
		}
		var params []river.InsertManyParams
		for id := range min(listed, s.Size.Readers) {
			params = append(params, river.InsertManyParams{Args: recommend.ReaderArgs{ReaderID: int64(id + 1)}})
		}
		if _, err := jobs.InsertMany(ctx, params); err != nil {
			return fmt.Errorf("enqueue recommend_reader: %w", err)
		}
		if err := whenIdle(ctx, s.Pool, buildTime); err != nil {
			return err
		}
		return s.mailReady(ctx, true)
	})
}

// mailReady switches the mail about lists on or off for the readers who get a list.
func (s Site) mailReady(ctx context.Context, on bool) error {
	if _, err := s.Pool.Exec(ctx, "update reader set mail_ready = $1 where id <= $2", on, listed); err != nil {
		return fmt.Errorf("switch mail about lists: %w", err)
	}
	return nil
}

// whileWorking runs fn while a worker runs.
func (s Site) whileWorking(ctx context.Context, fn func() error) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Work(working, func() {}) }()
	err := fn()
	stop()
	if ended := <-ended; err == nil {
		err = ended
	}
	return err
}
