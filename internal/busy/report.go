package busy

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
)

// nightlyReport is slow. It reports progress, logs, and continues after a stop where it was.
type nightlyReport struct {
	Month   string `json:"month"`
	Seconds int    `json:"seconds"`
}

func (nightlyReport) Kind() string { return "nightly_report" }

func (nightlyReport) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: "reports", Tags: []string{"accounts"}}
}

type nightlyReportWorker struct {
	river.WorkerDefaults[nightlyReport]
	*shop
}

func (w *nightlyReportWorker) Timeout(*river.Job[nightlyReport]) time.Duration {
	return 5 * time.Minute
}

func (w *nightlyReportWorker) Work(ctx context.Context, job *river.Job[nightlyReport]) error {
	done := 0
	if _, err := work.Cursor(job, &done); err != nil {
		return err
	}
	log := work.Log(ctx)
	for ; done < job.Args.Seconds; done++ {
		work.Progress(ctx, 100*float64(done)/float64(job.Args.Seconds), fmt.Sprintf("day %d of %s", 1+done%31, job.Args.Month))
		if done%10 == 0 {
			log.InfoContext(ctx, "summing up", "day", 1+done%31, "orders", 400+37*done)
			if err := work.Advance(ctx, w.pool, job, done, func(pgx.Tx) error { return nil }); err != nil {
				return err
			}
		}
		if err := w.query(ctx, fmt.Sprintf("sum up day %d", 1+done%31), 20*time.Millisecond); err != nil {
			return err
		}
		if err := wait(ctx, 950*time.Millisecond); err != nil {
			return err
		}
	}
	log.InfoContext(ctx, "report written", "month", job.Args.Month)
	return nil
}

// countShelf goes to a queue whose only worker drains.
type countShelf struct {
	Shelf string `json:"shelf"`
}

func (countShelf) Kind() string { return "count_shelf" }

func (countShelf) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: drainedQueue} }

type countShelfWorker struct {
	river.WorkerDefaults[countShelf]
}

func (w *countShelfWorker) Work(ctx context.Context, _ *river.Job[countShelf]) error {
	return call(ctx, "count", 500*time.Millisecond)
}
