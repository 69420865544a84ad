package work

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/work/pilot"
)

// cancelAgain is when a job that goes on although it was cancelled is told so once more.
const cancelAgain = 10 * time.Second

// cancels tells this worker's running jobs that they were cancelled, where River's notice was lost or, after an update in SQL,
// never sent.
type cancels struct {
	told map[int64]time.Time // the line's goroutine only
}

// look asks for the jobs that run here and are to be cancelled, by their keys, and ends their contexts.
func (c *cancels) look(ctx context.Context, conn *pgx.Conn, w *Worker) error {
	ids, _ := w.gate.Held()
	if len(ids) == 0 {
		clear(c.told)
		return nil
	}
	rows, err := conn.Query(ctx, "select id, queue from "+pilot.Table(w.opts.Schema)+` where id = any ($1) and state = 'running'
		and metadata ? 'cancel_attempted_at' and attempted_by[array_upper(attempted_by, 1)] = $2`, ids, w.id)
	if err != nil {
		return err
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		ID    int64
		Queue string
	}])
	if err != nil {
		return err
	}
	told := map[int64]time.Time{}
	for _, j := range jobs {
		told[j.ID] = c.told[j.ID]
		if time.Since(told[j.ID]) > cancelAgain {
			told[j.ID] = time.Now()
			w.line.CancelJob(j.Queue, j.ID)
		}
	}
	c.told = told
	return nil
}
