package busy

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed sql/clear.sql
var clearSQL string

// Clear removes everything that a load has written, apart from the audit log. Run does so at its end; dev does so at its start,
// because an earlier one may have been killed.
func Clear(ctx context.Context, pool *pgxpool.Pool) error {
	return runAll(ctx, pool, clearSQL, pgx.NamedArgs{
		"kinds": allKinds(), "queues": allQueues(), "releases": []string{"v39", "v40", olderRelease, newerRelease},
		"workers": []string{"worker.2", "worker.3", "worker.4"},
	})
}
