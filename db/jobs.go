package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
)

// surface lists the files of schema jobs in the order in which they build on each other. roles.sql is not among them: an
// operator runs it, where a second role can be made.
func surface() []string {
	return []string{
		"redact", "minute", "hour", "series", "audit", "leader", "live", "aside", "job", "attempt", "queue", "kind", "error", "worker", "schedule", "request", "release", "view", "health",
		"target", "scale", "trend", "pulse", "finding",
		"enqueue", "act", "verb", "undo", "copy", "switch", "bulk", "explain",
	}
}

// ForSchema rewrites SQL from a file, which is written for River's tables in schema river, for those in another schema. A channel's
// name has no quotes, a table's has.
func ForSchema(sql, riverSchema string) string {
	if riverSchema == RiverSchema {
		return sql
	}
	return strings.NewReplacer(
		"'river.river_insert'", "'"+riverSchema+".river_insert'",
		"'river.river_control'", "'"+riverSchema+".river_control'",
		"'river.river_leadership'", "'"+riverSchema+".river_leadership'",
		"river.river_", pgx.Identifier{riverSchema}.Sanitize()+".river_",
	).Replace(sql)
}

// Statement rewrites SQL from a file as ForSchema does, for a process to run. Such a file calls jobs.runner, so that it can be tried
// in psql, and the call is replaced by the function's body: a process does not depend on schema jobs, which the migration of another
// release replaces while it runs. ForSchema suffices for files without such a call, and costs nothing for schema river: inserts and
// fetches use it.
func Statement(sql, riverSchema string) string {
	sql = strings.ReplaceAll(sql, "jobs.runner(attempted_by)", "attempted_by[array_upper(attempted_by, 1)]")
	sql = strings.ReplaceAll(sql, "jobs.runner(j.attempted_by)", "j.attempted_by[array_upper(j.attempted_by, 1)]")
	return ForSchema(sql, riverSchema)
}

// replaceJobs replaces schema jobs as a whole when its text has changed. Readers of a view hold it locked for as long as
// they read.
func (r *run) replaceJobs(ctx context.Context, riverSchema string) error {
	version := JobsVersion()
	mark := version + " over schema " + riverSchema
	var replaced bool
	err := r.inTurn(ctx, "replace schema jobs", func(tx pgx.Tx) error {
		var have *string
		if err := tx.QueryRow(ctx, `select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = 'jobs'`).
			Scan(&have); err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if have != nil && strings.HasSuffix(*have, mark) {
			return nil
		}
		replaced = true
		return installJobs(ctx, tx, riverSchema, version, mark)
	})
	if err == nil && replaced {
		r.log.InfoContext(ctx, "replaced the SQL surface", "schema", "jobs", "version", version)
	}
	return err
}

func installJobs(ctx context.Context, tx pgx.Tx, riverSchema, version, mark string) error {
	// If an operator has run roles.sql, its roles keep their rights.
	var roles bool
	if err := tx.QueryRow(ctx, `select count(*) = 2 from pg_namespace n, aclexplode(n.nspacl) a join pg_roles r on r.oid = a.grantee
		where n.nspname = 'jobs' and r.rolname in ('jobs_reader', 'jobs_operator') and a.privilege_type = 'USAGE'`).Scan(&roles); err != nil {
		return err
	}
	sql := "drop schema if exists jobs cascade; create schema jobs;" +
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
		if _, err := tx.Exec(ctx, ForSchema(string(text), riverSchema)); err != nil {
			return fmt.Errorf("jobs/%s.sql: %w", name, err)
		}
	}
	return nil
}

// JobsVersion returns the version of schema jobs that this binary installs, as jobs.version() does.
func JobsVersion() string { return hashOf("jobs")[:12] }
