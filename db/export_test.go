package db

import (
	"context"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
)

// InstallJobs lays the back office's tables (schema work) and the SQL surface (schema jobs) over a plain River database,
// whose tables are in riverSchema. Only tests do this: they prove that the back office needs nothing of the storefront's.
func InstallJobs(ctx context.Context, conn *pgx.Conn, riverSchema string, log *slog.Logger) error {
	r := Usual().run(conn, log)
	if err := r.prepare(ctx, migrationTable); err != nil {
		return err
	}
	var list []migration
	for _, m := range migrations() {
		if strings.HasPrefix(m.name[4:], "work") {
			list = append(list, m)
		}
	}
	if err := r.migrateOurs(ctx, list); err != nil {
		return err
	}
	return r.replaceJobs(ctx, riverSchema)
}
