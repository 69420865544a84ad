// Package finding keeps what needs attention for the pages that show it. To find it takes tens of milliseconds, which every page
// and every update of one would cost otherwise.
package finding

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
)

//go:embed sql/keep.sql
var keepSQL string

// Keep stores what needs attention, for jobs.finding. It does nothing if a process has just done that, or does so now.
func Keep(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, db.Statement(keepSQL, db.RiverSchema)); err != nil {
		return fmt.Errorf("find what needs attention: %w", err)
	}
	return nil
}
