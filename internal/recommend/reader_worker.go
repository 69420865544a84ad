package recommend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

// ReaderWorker makes one reader's list.
type ReaderWorker struct {
	river.WorkerDefaults[ReaderArgs]
	DB   DB
	Jobs *work.Client
	Log  *slog.Logger
	Now  func() time.Time // nil: time.Now; determines the local day of a mail

	Quiet bool // make lists without a mail about them

	asked atomic.Int64 // the build after which this process last requested another
}

// Timeout is generous: a list takes about 20 ms.
func (*ReaderWorker) Timeout(*river.Job[ReaderArgs]) time.Duration { return 30 * time.Second }

// Work makes the list of the job's reader, and shows its progress on the reader's pages if it takes a while.
func (w *ReaderWorker) Work(ctx context.Context, job *river.Job[ReaderArgs]) error {
	work.TellProgress(ctx, notice.Channel, notice.Payload(job.Args.ReaderID, notice.TopicRecommendations))
	return w.Make(ctx, job.Args.ReaderID, func(effects func(tx pgx.Tx) error) error {
		return trace.Step(ctx, "store", func(ctx context.Context) error { return work.Finish(ctx, w.DB, job, effects) })
	})
}

// Make first scores, without any lock. Then, in the transaction that finish runs, it stores the list, notifies the
// reader, and enqueues the next run if needed. For a worker, finish completes the job.
func (w *ReaderWorker) Make(ctx context.Context, readerID int64, finish func(effects func(tx pgx.Tx) error) error) error {
	work.Progress(ctx, 10, "Comparing your ratings with those of other readers.")
	before, err := store.New().RecommendChanges(ctx, w.DB)
	if err != nil {
		return fmt.Errorf("find the build of neighbours: %w", err)
	}
	var chosen choice
	err = trace.Step(ctx, "score", func(ctx context.Context) (err error) {
		chosen, err = choose(ctx, w.DB, readerID)
		return err
	})
	if err != nil {
		return err
	}
	work.Progress(ctx, 100, fmt.Sprintf("%d books are chosen.", len(chosen.books)))
	err = finish(func(tx pgx.Tx) error {
		if chosen.gone {
			return nil
		}
		reader, err := store.New().RecommendLockReader(ctx, tx, readerID)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // the reader was deleted meanwhile, and the list too
		}
		if err != nil {
			return fmt.Errorf("lock reader %d: %w", readerID, err)
		}
		if err := write(ctx, tx, readerID, chosen); err != nil {
			return err
		}
		if err := notice.Send(ctx, tx, readerID, notice.TopicRecommendations); err != nil {
			return err
		}
		if err := w.tell(ctx, tx, readerID, reader, chosen); err != nil {
			return err
		}
		if reader.RatingsVersion == chosen.version {
			return nil
		}
		// Something changed during this run, and the job it enqueued was a duplicate of this one. This transaction
		// has completed the job, so its unique key is free.
		return Request(ctx, tx, w.Jobs, readerID)
	})
	if err != nil {
		return err
	}
	if err := w.followBuilds(ctx, readerID, chosen, before.Built); err != nil {
		// This reader's list is stored, and the periodic rebuild will do the rest.
		w.Log.WarnContext(ctx, "cannot enqueue a rebuild of neighbours, or a list that uses them", "err", err)
	}
	return nil
}

// followBuilds requests a rebuild of neighbours if it is due. If neighbours were built while a list of popular books
// was made, it requests another list, because the build looked for such lists before this one was stored. built is the
// build before that.
func (w *ReaderWorker) followBuilds(ctx context.Context, readerID int64, chosen choice, built int64) error {
	c, err := store.New().RecommendChanges(ctx, w.DB)
	if err != nil {
		return fmt.Errorf("count changes of ratings: %w", err)
	}
	if chosen.basis == Popular && c.Built != built {
		return pgx.BeginFunc(ctx, w.DB, func(tx pgx.Tx) error { return Request(ctx, tx, w.Jobs, readerID) })
	}
	return w.rebuildIfDue(ctx, c)
}

func write(ctx context.Context, tx pgx.Tx, readerID int64, c choice) error {
	arg := store.RecommendWriteParams{
		ReaderID: readerID, RatingsVersion: c.version, Basis: c.basis, Ratings: int32(c.ratings),
		BookIds: make([]int64, len(c.books)), Scores: make([]float32, len(c.books)), Because: make([]string, len(c.books)),
	}
	for i, b := range c.books {
		arg.BookIds[i], arg.Scores[i], arg.Because[i] = b.bookID, b.score, arrayLiteral(b.because)
	}
	if err := store.New().RecommendWrite(ctx, tx, arg); err != nil {
		return fmt.Errorf("write recommendations of reader %d: %w", readerID, err)
	}
	return nil
}

// arrayLiteral returns ids as a Postgres array: {1,2}.
func arrayLiteral(ids []int64) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	b.WriteByte('}')
	return b.String()
}

// rebuildIfDue enqueues rebuild_neighbours if many ratings changed since the last build. It uses its own transaction:
// an enqueue may wait for a rebuild that is completing, which itself enqueues readers' jobs, so waiting while holding a
// reader's job could deadlock. A process requests one rebuild between two builds.
func (w *ReaderWorker) rebuildIfDue(ctx context.Context, c store.RecommendChangesRow) error {
	if c.Now-max(c.Built, 0) < changesWorthABuild(int(c.Ratings)) {
		return nil
	}
	if epoch := c.Built + 2; w.asked.Swap(epoch) == epoch { // never 0: Built is -1 if there was no build
		return nil
	}
	return pgx.BeginFunc(ctx, w.DB, func(tx pgx.Tx) error {
		_, err := w.Jobs.InsertTx(ctx, tx, NeighboursArgs{}, nil)
		return err
	})
}

// changesWorthABuild is the number of changed ratings after which neighbours are rebuilt: a twentieth of all ratings,
// at least 50.
func changesWorthABuild(ratings int) int64 { return int64(max(50, ratings/20)) }
