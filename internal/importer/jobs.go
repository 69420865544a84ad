package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

// Args are the arguments of the job that imports a file.
type Args struct {
	ImportID int64 `json:"import_id"`
	ReaderID int64 `json:"reader_id"`
}

// Kind names the job.
func (Args) Kind() string { return "import_books" }

// QueueName is the queue of imports. They match books one after the other, so that many would fill the slots of another queue with
// jobs that wait.
const QueueName = "imports"

// Slots is the number of imports that a worker process works on at once.
const Slots = 2

// InsertOpts allows one job per import.
func (Args) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: QueueName, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: work.Unfinished()}}
}

// Worker works Args.
type Worker struct {
	river.WorkerDefaults[Args]
	DB   DB
	Jobs *work.Client
}

// Timeout is enough for the largest file on a busy machine; 5,000 rows take seconds.
func (*Worker) Timeout(*river.Job[Args]) time.Duration { return 30 * time.Minute }

// position is the cursor: the rows up to N are matched, or, once all are, written.
type position struct {
	Writing bool  `json:"writing"`
	N       int32 `json:"n"`
}

// perStep is the number of rows of a step. A step takes about a tenth of a second, after which the reader sees progress.
const perStep = 200

// Work matches all rows with books, writes what the reader says about the books, and asks for new recommendations.
func (w *Worker) Work(ctx context.Context, job *river.Job[Args]) error {
	var done position
	if _, err := work.Cursor(job, &done); err != nil {
		return err
	}
	in, err := store.New().ImportGet(ctx, w.DB, job.Args.ImportID, job.Args.ReaderID)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read import %d: %w", job.Args.ImportID, err)
	}
	for over := err != nil; !over && (!done.Writing || done.N < in.Rows); {
		upto := position{done.Writing, min(done.N+perStep, in.Rows)}
		if !done.Writing && done.N == in.Rows {
			done, upto = position{Writing: true}, position{true, min(perStep, in.Rows)}
		}
		err := work.Advance(ctx, w.DB, job, upto, func(tx pgx.Tx) (err error) {
			over, err = w.step(ctx, tx, job.Args, done, upto, in.Rows)
			return err
		})
		if err != nil {
			return fmt.Errorf("rows %d to %d of import %d: %w", done.N+1, upto.N, in.ID, err)
		}
		done = upto
	}
	return work.Finish(ctx, w.DB, job, func(tx pgx.Tx) error { return w.end(ctx, tx, job.Args) })
}

// step does the rows after done, up to upto. over means that the import was stopped or the account deleted.
func (w *Worker) step(ctx context.Context, tx pgx.Tx, args Args, done, upto position, rows int32) (over bool, err error) {
	q := store.New()
	in, err := q.ImportLock(ctx, tx, args.ReaderID, args.ImportID)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && in.EndedAt != nil {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("lock the import: %w", err)
	}
	steps, title := upto.N, ""
	if upto.Writing {
		steps += rows
		title, err = write(ctx, tx, args, done.N, upto.N)
	} else {
		title, err = match(ctx, tx, args.ImportID, done.N, upto.N)
	}
	if err != nil {
		return false, err
	}
	work.Progress(ctx, 50*float64(steps)/float64(rows), fmt.Sprintf("row %d of %d", upto.N, rows))
	if err := q.ImportMove(ctx, tx, store.ImportMoveParams{ID: args.ImportID, Steps: steps, Doing: title}); err != nil {
		return false, fmt.Errorf("note the progress: %w", err)
	}
	return false, notice.Send(ctx, tx, args.ReaderID, notice.TopicImport)
}

// end ends the import, unless the reader has stopped it.
func (w *Worker) end(ctx context.Context, tx pgx.Tx, args Args) error {
	return finish(ctx, tx, w.Jobs, args.ReaderID, args.ImportID, false)
}

// finish ends an import, and asks for new recommendations once if it has changed anything. An import that has ended stays as it
// is.
func finish(ctx context.Context, tx pgx.Tx, jobs *work.Client, readerID, importID int64, stopped bool) error {
	q := store.New()
	wrote, err := q.ImportWrote(ctx, tx, importID)
	if err != nil {
		return fmt.Errorf("look for changes of import %d: %w", importID, err)
	}
	end := func() error {
		in, err := q.ImportLock(ctx, tx, readerID, importID)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && in.EndedAt != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock import %d: %w", importID, err)
		}
		if wrote {
			if err := q.ImportReaderChanged(ctx, tx, readerID); err != nil {
				return fmt.Errorf("note the changes of reader %d: %w", readerID, err)
			}
		}
		if err := q.ImportEnd(ctx, tx, stopped, importID); err != nil {
			return fmt.Errorf("end import %d: %w", importID, err)
		}
		return counted(ctx, tx, readerID, importID)
	}
	if !wrote {
		return end()
	}
	return changeTaste(ctx, tx, jobs, readerID, end)
}

// changeTaste asks for new recommendations and then runs fn, which changes what they depend on: see recommend.Change for the order.
func changeTaste(ctx context.Context, tx pgx.Tx, jobs *work.Client, readerID int64, fn func() error) error {
	if err := recommend.Request(ctx, tx, jobs, readerID); err != nil {
		return err
	}
	return fn()
}

// counted updates the counts of an import and its open pages.
func counted(ctx context.Context, tx pgx.Tx, readerID, importID int64) error {
	if err := store.New().ImportCount(ctx, tx, importID); err != nil {
		return fmt.Errorf("count the rows of import %d: %w", importID, err)
	}
	return notice.Send(ctx, tx, readerID, notice.TopicImport)
}

// PruneArgs are the arguments of the job that deletes the rows of imports after a day.
type PruneArgs struct{}

// Kind names the job.
func (PruneArgs) Kind() string { return "prune_imports" }

// InsertOpts allows few attempts, because the next job makes up for a failed one.
func (PruneArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 3} }

// PruneWorker works PruneArgs.
type PruneWorker struct {
	river.WorkerDefaults[PruneArgs]
	DB work.DB
}

// Work deletes and completes the job in one transaction.
func (w *PruneWorker) Work(ctx context.Context, job *river.Job[PruneArgs]) error {
	return work.Finish(ctx, w.DB, job, func(tx pgx.Tx) error {
		if err := store.New().ImportPrune(ctx, tx); err != nil {
			return fmt.Errorf("prune imports: %w", err)
		}
		return nil
	})
}

// Schedule enqueues PruneArgs every hour.
func Schedule() work.Schedule {
	return work.Schedule{Name: "prune_imports", Args: PruneArgs{}, Spec: "25 * * * *", Zone: "UTC", Missed: work.MissedOnce}
}
