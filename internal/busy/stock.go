package busy

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/work"
)

// syncStock is unique: each warehouse has at most one job that waits or runs. A failed job does not count, so that a newer one
// may take its place, and the failed one then waits for that.
type syncStock struct {
	Warehouse int `json:"warehouse"`
}

func (syncStock) Kind() string { return "sync_stock" }

func (syncStock) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "stock", UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// busyWarehouse is the warehouse whose server always asks to wait.
const busyWarehouse = 7

type syncStockWorker struct {
	river.WorkerDefaults[syncStock]
	*shop
}

func (w *syncStockWorker) Work(ctx context.Context, job *river.Job[syncStock]) error {
	n := job.Args.Warehouse
	if err := call(ctx, "ask the warehouse", 900*time.Millisecond); err != nil {
		return err
	}
	if n == busyWarehouse {
		return work.RetryAfter(fmt.Errorf("warehouse %d counts its stock until tonight: Retry-After 1800", n), 30*time.Minute)
	}
	if err := w.query(ctx, "write the counts", 15*time.Millisecond); err != nil {
		return err
	}
	return work.Finish(ctx, w.pool, job, func(tx pgx.Tx) error {
		_, err := w.jobs.InsertTx(ctx, tx, reorderTitle{BookID: int64(n) * 31, Copies: 10}, nil)
		return err
	})
}

// reorderTitle goes to the distributor, whose queue is paused.
type reorderTitle struct {
	BookID int64 `json:"book_id"`
	Copies int   `json:"copies"`
}

func (reorderTitle) Kind() string { return "reorder_title" }

func (reorderTitle) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: pausedQueue, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: work.Unfinished()}}
}

type reorderTitleWorker struct {
	river.WorkerDefaults[reorderTitle]
}

func (w *reorderTitleWorker) Work(ctx context.Context, _ *river.Job[reorderTitle]) error {
	return call(ctx, "order from the distributor", 300*time.Millisecond)
}
