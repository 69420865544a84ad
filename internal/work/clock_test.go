package work_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/testdb"
)

// TestDueByTheServersClock: a job is due at its transaction's time, even if the clock of the inserting process is wrong.
func TestDueByTheServersClock(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	jobs := inserter(t, pool)
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		res, err := jobs.InsertTx(t.Context(), tx, stepArgs{N: 1}, nil)
		if err != nil {
			return err
		}
		var same bool
		if err := tx.QueryRow(t.Context(), "select scheduled_at = now() from river.river_job where id = $1", res.Job.ID).Scan(&same); err != nil {
			return err
		}
		if !same {
			t.Error("the job is due by another clock than the server's")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
