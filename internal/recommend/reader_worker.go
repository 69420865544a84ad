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
	Now  func() time.Time // nil: time.Now; decides the local day of a mail

	asked atomic.Int64 // which build this process last asked to have followed by another
}

// Timeout is generous: a list takes some 20 ms.
func (*ReaderWorker) Timeout(*river.Job[ReaderArgs]) time.Duration { return 30 * time.Second }

// Work makes the list of the job's reader, and tells the reader's pages how far it has come where that takes a while.
func (w *ReaderWorker) Work(ctx context.Context, job *river.Job[ReaderArgs]) error {
	work.TellProgress(ctx, notice.Channel, notice.Payload(job.Args.ReaderID, notice.TopicRecommendations))
	return w.Make(ctx, job.Args.ReaderID, func(effects func(tx pgx.Tx) error) error {
		return trace.Step(ctx, "store", func(ctx context.Context) error { return work.Finish(ctx, w.DB, job, effects) })
	})
}

// Make scores first, without any lock, and then stores, tells, and asks for the next run in the transaction that finish
// runs: the job's last, for a worker.
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
			return nil // deleted meanwhile, and the list with it
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
		return enqueue(ctx, tx, w.Jobs, readerID)
	})
	if err != nil {
		return err
	}
	if err := w.followBuilds(ctx, readerID, chosen, before.Built); err != nil {
		// This reader's list is stored, and the periodic rebuild makes up for it.
		w.Log.WarnContext(ctx, "could not ask for a rebuild of neighbours, or for a list made with them", "err", err)
	}
	return nil
}

// followBuilds asks for neighbours where they are due. If some were built while a list of popular books was made, it asks
// for another list: who built them looked for such lists before this one was there. built is the build before that.
func (w *ReaderWorker) followBuilds(ctx context.Context, readerID int64, chosen choice, built int64) error {
	c, err := store.New().RecommendChanges(ctx, w.DB)
	if err != nil {
		return fmt.Errorf("count changes of ratings: %w", err)
	}
	if chosen.basis == Popular && c.Built != built {
		return pgx.BeginFunc(ctx, w.DB, func(tx pgx.Tx) error { return enqueue(ctx, tx, w.Jobs, readerID) })
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

// arrayLiteral writes ids as Postgres reads an array: {1,2}.
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

// rebuildIfDue enqueues rebuild_neighbours when many ratings changed since the last build. It has a transaction of its
// own: an enqueue may wait for a rebuild that is just completing, and that one enqueues readers' jobs, so to wait while
// holding a reader's job could end in a deadlock. A process asks once between two builds.
func (w *ReaderWorker) rebuildIfDue(ctx context.Context, c store.RecommendChangesRow) error {
	if c.Now-max(c.Built, 0) < changesWorthABuild(int(c.Ratings)) {
		return nil
	}
	if epoch := c.Built + 2; w.asked.Swap(epoch) == epoch { // never 0: without a build Built is -1
		return nil
	}
	return pgx.BeginFunc(ctx, w.DB, func(tx pgx.Tx) error {
		_, err := w.Jobs.InsertTx(ctx, tx, NeighboursArgs{}, nil)
		return err
	})
}

// changesWorthABuild is how many changes of ratings make neighbours out of date: a twentieth of those known, 50 at least.
func changesWorthABuild(ratings int) int64 { return int64(max(50, ratings/20)) }
