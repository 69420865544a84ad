package reader

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/work"
)

// PruneArgs are the arguments of the job that deletes expired sessions, reset links and rate limits. They have no
// effect after they expire; deleting them only keeps the tables small.
type PruneArgs struct{}

// Kind names the job.
func (PruneArgs) Kind() string { return "prune_sessions" }

// InsertOpts allows few attempts, because tomorrow's job makes up for a failed one.
func (PruneArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 3} }

// PruneWorker works PruneArgs.
type PruneWorker struct {
	river.WorkerDefaults[PruneArgs]
	DB work.DB
}

// Work deletes and completes the job in one transaction.
func (w *PruneWorker) Work(ctx context.Context, job *river.Job[PruneArgs]) error {
	return work.Finish(ctx, w.DB, job, func(tx pgx.Tx) error {
		if _, err := PruneSessions(ctx, tx); err != nil {
			return fmt.Errorf("prune sessions: %w", err)
		}
		if _, err := PruneResets(ctx, tx); err != nil {
			return fmt.Errorf("prune resets: %w", err)
		}
		if _, err := PruneLimits(ctx, tx); err != nil {
			return fmt.Errorf("prune rate limits: %w", err)
		}
		return nil
	})
}

// Schedule enqueues PruneArgs once a day, at a quiet hour in Europe and America.
func Schedule() work.Schedule {
	return work.Schedule{Name: "prune_sessions", Args: PruneArgs{}, Spec: "0 4 * * *", Zone: "UTC", Missed: work.MissedOnce}
}
