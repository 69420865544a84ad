package busy

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed sql/past.sql
var pastSQL string

// inventPast writes the counts of a month in which the load did not run, so that charts are not empty.
func inventPast(ctx context.Context, pool *pgxpool.Pool) error {
	return runAll(ctx, pool, pastSQL, nil)
}
