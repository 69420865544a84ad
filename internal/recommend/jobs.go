package recommend

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/work"
)

// ReaderArgs are the arguments of the job that makes one reader's list.
type ReaderArgs struct {
	ReaderID int64 `json:"reader_id"`
}

// Kind names the job.
func (ReaderArgs) Kind() string { return "recommend_reader" }

// InsertOpts allows one unfinished job per reader.
func (ReaderArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue:      river.QueueDefault,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: work.Unfinished()},
	}
}

// Change runs changes, which alter what the reader's recommendations depend on (a rating, a shelf, a dismissal), and
// asks for a new list, in one transaction that is one round trip: each of them makes one query, which fails if the
// transaction must not be committed. It enqueues first, because every transaction locks a reader's job before the reader:
// enqueueing a duplicate locks the unfinished job, and a change locks the reader's row. The job's lock also makes the change
// either visible to the run in progress or wait for that run to end.
func Change(ctx context.Context, db pipeline.DB, jobs *work.Client, readerID int64, changes ...func(tx pgx.Tx) error) error {
	request := func(tx pgx.Tx) error { return Request(ctx, tx, jobs, readerID) }
	return pipeline.Transact(ctx, db, append([]func(pgx.Tx) error{request}, changes...)...)
}

// Request asks for a new list of the reader in tx, for changes that take more than one query each. Call it before them: see Change.
func Request(ctx context.Context, tx pgx.Tx, jobs *work.Client, readerID int64) error {
	if _, err := jobs.InsertTx(ctx, tx, ReaderArgs{readerID}, nil); err != nil {
		return fmt.Errorf("enqueue recommend_reader: %w", err)
	}
	return nil
}

// NeighboursArgs are the arguments of the job that computes which books are similar, for the whole site.
type NeighboursArgs struct{}

// Kind names the job.
func (NeighboursArgs) Kind() string { return "rebuild_neighbours" }

// InsertOpts allows one unfinished job. The next scheduled job replaces it soon, so it is not retried for days. It has
// the priority of readers' jobs: with a lower one it would starve on a busy site, which needs it most.
func (NeighboursArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue:       river.QueueDefault,
		MaxAttempts: 3,
		UniqueOpts:  river.UniqueOpts{ByState: work.Unfinished()},
	}
}

// Schedule enqueues a rebuild regularly, for sites whose ratings change too little to request one.
func Schedule() work.Schedule {
	return work.Schedule{Name: "rebuild_neighbours", Args: NeighboursArgs{}, Spec: "every 10m", Missed: work.MissedOnce}
}
