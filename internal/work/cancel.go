package work

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
)

//go:embed sql/cancelled.sql
var cancelledSQL string

// endCancelled ends the contexts of this worker's running jobs that an operator cancelled. River's notice does so sooner, but it
// may be lost, an update in SQL does not send it, and River no longer listens while the worker stops.
func (w *Worker) endCancelled(ctx context.Context, conn *pgx.Conn) error {
	ids, _ := w.attempts.Held()
	if len(ids) == 0 {
		return nil
	}
	rows, err := conn.Query(ctx, db.Statement(cancelledSQL, w.opts.Schema), pgx.NamedArgs{"ids": ids, "worker": w.id})
	if err != nil {
		return err
	}
	cancelled, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, id := range cancelled {
		w.attempts.CancelJob(id, rivertype.ErrJobCancelledRemotely)
	}
	return err
}
