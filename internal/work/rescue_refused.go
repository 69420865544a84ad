package work

import (
	"context"
	"errors"

	"github.com/backlist/backlist/internal/work/mask"
	"github.com/backlist/backlist/internal/work/pilot"
)

// rescueEach rescues among the running jobs, which it halves until one that the server refuses is alone.
func rescueEach(ctx context.Context, db querier, r *recorder, schema string, ids []int64, attempts []int, running []int64) error {
	if len(running) == 0 {
		return nil
	}
	err := rescueAmong(ctx, db, r, schema, ids, attempts, running)
	switch n := len(running); {
	case !pilot.IsRefused(err):
		return err
	case n > 1:
		return errors.Join(
			rescueEach(ctx, db, r, schema, ids, attempts, running[:n/2]),
			rescueEach(ctx, db, r, schema, ids, attempts, running[n/2:]))
	}
	r.log.ErrorContext(ctx, "the server refuses to let a rescued job run again: it is discarded", "job_id", running[0], "err", err)
	return pilot.EndRefused(ctx, db, schema, running[0], CodeRescueRefused, "its worker is gone, and the server refuses to let it run again: "+mask.Text(err.Error()))
}
