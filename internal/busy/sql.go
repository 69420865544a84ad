package busy

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/work/pilot"
)

// runAll runs the statements of a file in one transaction. Each ends with a semicolon at the end of its line.
func runAll(ctx context.Context, pool *pgxpool.Pool, sql string, args pgx.NamedArgs) error {
	for try := 1; ; try++ {
		err := runOnce(ctx, pool, sql, args)
		if !pilot.IsContended(err) || try == tries {
			return err
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// tries is how often statements run that meet a deadlock: processes of a load that was killed may still write.
const tries = 20

func runOnce(ctx context.Context, pool *pgxpool.Pool, sql string, args pgx.NamedArgs) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for statement := range strings.SplitSeq(strings.TrimSpace(sql), ";\n") {
			if _, err := tx.Exec(ctx, statement, args); err != nil {
				return err
			}
		}
		return nil
	})
}

// until waits until a query returns true.
func until(ctx context.Context, pool *pgxpool.Pool, sql string, args pgx.NamedArgs) error {
	for {
		var holds bool
		if err := pool.QueryRow(ctx, sql, args).Scan(&holds); err != nil || holds {
			return err
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}
