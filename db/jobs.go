package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// surface lists the files of schema jobs in the order in which they build on each other. roles.sql is not among them: an
// operator runs it, where a second role can be made.
func surface() []string {
	return []string{
		"redact", "minute", "audit", "leader", "job", "attempt", "queue", "kind", "error", "worker", "schedule", "request", "release", "health",
		"enqueue", "act", "explain",
	}
}

// InstallJobs lays the back office's tables (schema work) and the SQL surface (schema jobs) over a River database that is
// not ours, whose tables are in riverSchema. It is safe to repeat, and changes nothing of River's.
func InstallJobs(ctx context.Context, conn *pgx.Conn, riverSchema string, log *slog.Logger) error {
	if !schemaName.MatchString(riverSchema) {
		return fmt.Errorf("%q is not a name that River takes for its schema", riverSchema)
	}
	return inTurn(ctx, conn, func() error {
		if _, err := conn.Exec(ctx, migrationTable); err != nil {
			return fmt.Errorf("create schema work: %w", err)
		}
		var list []migration
		for _, m := range migrations() {
			if strings.HasPrefix(m.name[4:], "work") {
				list = append(list, m)
			}
		}
		if err := migrateOurs(ctx, conn, list, log); err != nil {
			return err
		}
		return replaceJobs(ctx, conn, riverSchema, log)
	})
}

var (
	schemaName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`) // as River has it
	// The files of jobs are SQL for the schema river. These are the places that name it.
	riverChannel = regexp.MustCompile(`'river\.(river_(?:insert|control|leadership))'`)
	riverObject  = regexp.MustCompile(`\briver\.river_`)
)

// forSchema is the SQL of a file of jobs for River's tables in another schema. A channel's name has no quotes, a table's has.
func forSchema(sql, riverSchema string) string {
	sql = riverChannel.ReplaceAllString(sql, "'"+riverSchema+".$1'")
	if riverSchema == RiverSchema {
		return sql
	}
	return riverObject.ReplaceAllString(sql, pgx.Identifier{riverSchema}.Sanitize()+".river_")
}

// replaceJobs makes schema jobs anew, as a whole and in one transaction, when its text has changed. Readers of a view
// hold it locked for as long as they read, so the wait is bounded and tried again rather than queued in front of them.
func replaceJobs(ctx context.Context, conn *pgx.Conn, riverSchema string, log *slog.Logger) error {
	version := jobsVersion()
	mark := version + " over schema " + riverSchema
	var have *string
	if err := conn.QueryRow(ctx, `select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'jobs'`).
		Scan(&have); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("schema jobs: %w", err)
	}
	if have != nil && strings.HasSuffix(*have, mark) {
		return nil
	}
	for attempt := 1; ; attempt++ {
		err := installJobs(ctx, conn, riverSchema, version, mark)
		if err == nil {
			log.InfoContext(ctx, "replaced the SQL surface", "schema", "jobs", "version", version)
			return nil
		}
		pgErr, isPg := errors.AsType[*pgconn.PgError](err)
		if attempt == 5 || !isPg || pgErr.Code != "55P03" { // lock_not_available
			return fmt.Errorf("schema jobs: %w", err)
		}
	}
}

func installJobs(ctx context.Context, conn *pgx.Conn, riverSchema, version, mark string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Who was given rights by roles.sql keeps them.
		var roles bool
		if err := tx.QueryRow(ctx, `select count(*) = 2 from pg_namespace n, aclexplode(n.nspacl) a join pg_roles r on r.oid = a.grantee
			where n.nspname = 'jobs' and r.rolname in ('jobs_reader', 'jobs_operator') and a.privilege_type = 'USAGE'`).Scan(&roles); err != nil {
			return err
		}
		sql := "set local lock_timeout = '3s'; drop schema if exists jobs cascade; create schema jobs;" +
			"comment on schema jobs is 'The SQL surface of the job system: views to look, functions to act. Version " + mark + "';" +
			"create function jobs.version() returns text language sql immutable return '" + version + "';" +
			"comment on function jobs.version() is 'Which text of this schema is installed: the first 12 digits of its SHA-256.';"
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
		names := surface()
		if roles {
			names = append(names, "roles")
		}
		for _, name := range names {
			text, err := fs.ReadFile(files, "jobs/"+name+".sql")
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, forSchema(string(text), riverSchema)); err != nil {
				return fmt.Errorf("jobs/%s.sql: %w", name, err)
			}
		}
		return nil
	})
}

func jobsVersion() string { return hashOf("jobs")[:12] }
