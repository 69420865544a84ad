package recommend

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/recommend/knn"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

const (
	neighboursKept  = 50        // per book, at most
	neighboursLeast = 8         // per book, at least
	pairsKept       = 4_000_000 // about, of all books: with their indexes they take 1.1 GB
	minReaders      = 30        // with fewer readers, co-occurrence is not better than popularity (measured)
	overlookedMost  = 1000      // readers who get a new list after a build
	overlookedStep  = 200       // of them per insert statement
)

// NeighboursWorker computes neighbours and popularity.
type NeighboursWorker struct {
	river.WorkerDefaults[NeighboursArgs]
	DB   DB
	Jobs *work.Client
}

// Timeout is long enough for ten million ratings on a busy machine; a hundred thousand take a second.
func (*NeighboursWorker) Timeout(*river.Job[NeighboursArgs]) time.Duration { return 15 * time.Minute }

// Work compares books in memory, and then replaces both tables in one transaction. Readers see the old tables until it commits.
func (w *NeighboursWorker) Work(ctx context.Context, job *river.Job[NeighboursArgs]) error {
	began := time.Now()
	// The count is read before the ratings, so a rating in between is part of this build and triggers the next. A
	// rating whose transaction is still open may be counted but not seen; it is part of the next build.
	changes, err := store.New().RecommendChanges(ctx, w.DB)
	if err != nil {
		return fmt.Errorf("count changes of ratings: %w", err)
	}
	if changes.Now == changes.Built {
		return nil
	}
	work.Progress(ctx, 0, "reading all ratings")
	ratings, err := load(ctx, w.DB)
	if err != nil {
		return err
	}
	var near []knn.BookNeighbours
	if ratings.Readers() >= minReaders {
		if near, err = knn.Neighbours(ctx, ratings, kept(ratings.Books()), knn.Shrink(ratings.Readers()), compared(ctx, ratings)); err != nil {
			return err
		}
	}
	popular := knn.Popularity(ratings)
	work.Progress(ctx, 100, fmt.Sprintf("compared %d books", len(near))) // stored when the job completes
	err = work.Finish(ctx, w.DB, job, func(tx pgx.Tx) error {
		pairs, err := replace(ctx, tx, near, popular)
		if err != nil {
			return err
		}
		took := time.Since(began)
		err = store.New().RecommendBuildInsert(ctx, tx, store.RecommendBuildInsertParams{
			Readers: int32(ratings.Readers()), Ratings: int32(ratings.Len()), Pairs: int32(pairs),
			RatingChange: changes.Now, Took: took,
		})
		if err != nil {
			return fmt.Errorf("record the build: %w", err)
		}
		work.Log(ctx).InfoContext(ctx, "neighbours rebuilt", "readers", ratings.Readers(), "ratings", ratings.Len(),
			"books", len(popular), "pairs", pairs, "took_ms", took.Milliseconds())
		return w.enqueueOverlooked(ctx, tx) // last, because these readers' requests then wait for the commit
	})
	if err != nil {
		return err
	}
	if err := store.New().RecommendCountRatings(ctx, w.DB); err != nil {
		return fmt.Errorf("count the ratings of books: %w", err)
	}
	// Again, for lists that were stored during the build. Later runs see the build themselves.
	return pgx.BeginFunc(ctx, w.DB, func(tx pgx.Tx) error { return w.enqueueOverlooked(ctx, tx) })
}

// kept returns how many neighbours of each book are kept: fewer in a large catalogue, whose readers have more books to be
// recommended from.
func kept(books int) int { return max(neighboursLeast, min(neighboursKept, pairsKept/max(books, 1))) }

// compared reports the progress of comparing books, which is most of the work: from 10 to 90 percent.
func compared(ctx context.Context, ratings *knn.Ratings) func(percent int) {
	sentence := fmt.Sprintf("comparing books by %d ratings of %d readers", ratings.Len(), ratings.Readers())
	return func(percent int) { work.Progress(ctx, 10+0.8*float64(percent), sentence) }
}

// load streams all ratings into memory, where knn needs 5 bytes for each.
func load(ctx context.Context, db store.DBTX) (*knn.Ratings, error) {
	rows, err := db.Query(ctx, "select reader_id, book_id, stars from rating order by reader_id, book_id")
	if err != nil {
		return nil, fmt.Errorf("read ratings: %w", err)
	}
	ratings := &knn.Ratings{}
	var reader, book int64
	var stars int16
	_, err = pgx.ForEachRow(rows, []any{&reader, &book, &stars}, func() error {
		return ratings.Add(reader, book, int(stars))
	})
	if err != nil {
		return nil, fmt.Errorf("read ratings: %w", err)
	}
	return ratings, nil
}

// replace replaces the content of both tables and returns the number of pairs. It analyses the tables, because without
// statistics the planner reads all of neighbour for one reader.
func replace(ctx context.Context, tx pgx.Tx, near []knn.BookNeighbours, popular []knn.Popular) (pairs int64, err error) {
	if _, err := tx.Exec(ctx, "delete from neighbour"); err != nil {
		return 0, fmt.Errorf("clear neighbours: %w", err)
	}
	if _, err := tx.Exec(ctx, "delete from popularity"); err != nil {
		return 0, fmt.Errorf("clear popularity: %w", err)
	}
	pairs, err = tx.CopyFrom(ctx, pgx.Identifier{"neighbour"}, []string{"book_id", "neighbour_id", "similarity"},
		pgx.CopyFromFunc(eachPair(near)))
	if err != nil {
		return 0, fmt.Errorf("write neighbours: %w", err)
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"popularity"}, []string{"book_id", "readers", "score"},
		pgx.CopyFromSlice(len(popular), func(i int) ([]any, error) {
			return []any{popular[i].Book, int32(popular[i].Readers), popular[i].Score}, nil
		}))
	if err != nil {
		return 0, fmt.Errorf("write popularity: %w", err)
	}
	if err := store.New().RecommendPopularWords(ctx, tx); err != nil {
		return 0, fmt.Errorf("write the words of popular books: %w", err)
	}
	if _, err := tx.Exec(ctx, "analyze neighbour, popularity, popular_word"); err != nil {
		return 0, fmt.Errorf("analyse neighbours: %w", err)
	}
	return pairs, nil
}

// eachPair returns a function that returns one row per call and nil after the last, as CopyFromFunc requires.
func eachPair(near []knn.BookNeighbours) func() ([]any, error) {
	book, nth := 0, 0
	return func() ([]any, error) {
		for book < len(near) && nth == len(near[book].Near) {
			book, nth = book+1, 0
		}
		if book == len(near) {
			return nil, nil
		}
		n := near[book].Near[nth]
		nth++
		return []any{near[book].Book, n.ID, n.Similarity}, nil
	}
}

// enqueueOverlooked enqueues a new list for readers who have a list of popular books although neighbours of books that
// they like are now known.
func (w *NeighboursWorker) enqueueOverlooked(ctx context.Context, tx pgx.Tx) error {
	readers, err := store.New().RecommendOverlooked(ctx, tx, MinRatings, overlookedMost)
	if err != nil {
		return fmt.Errorf("find readers with popular books: %w", err)
	}
	for len(readers) > 0 {
		step := readers[:min(overlookedStep, len(readers))]
		readers = readers[len(step):]
		params := make([]river.InsertManyParams, len(step))
		for i, id := range step {
			params[i] = river.InsertManyParams{Args: ReaderArgs{id}} // each reader once: it is the run's primary key
		}
		if _, err := w.Jobs.InsertManyTx(ctx, tx, params); err != nil {
			return fmt.Errorf("enqueue recommend_reader: %w", err)
		}
	}
	return nil
}
