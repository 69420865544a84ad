// Package db holds the schema: forward-only migrations of our own tables, River's through River's migrator, and the
// SQL surface `jobs`. It applies them and says whether a database has them.
package db

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:generate go tool -modfile=../tools.mod sqlc generate

//go:embed migrations/*.sql jobs/*.sql
var files embed.FS

// RiverSchema is the schema that River's own tables live in.
const RiverSchema = "river"

// lockKey is the advisory lock that makes concurrent migrations (two release phases) take turns: "backlist" in ASCII.
const lockKey = 0x6261636b6c697374

// ErrSchemaOld says that the database lacks migrations which this binary needs. A newer database is no error: an older
// release beside a newer schema (a rollback, a worker farm) keeps working.
var ErrSchemaOld = errors.New("the database schema is older than this release; run: backlist migrate")

const migrationTable = `create schema if not exists work;
	create table if not exists work.migration (
		version int primary key, name text not null, applied_at timestamptz not null default now())`

// Migrate brings a database up to this binary: River's tables, ours, then the views and functions of schema jobs.
// It is safe to run twice at once, and quick when there is nothing to do. The pool needs two connections: one holds
// the lock while River's migrator takes another.
func Migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	return inTurn(ctx, conn.Conn(), func() error {
		if _, err := conn.Exec(ctx, "create schema if not exists river;"+migrationTable); err != nil {
			return fmt.Errorf("create schemas: %w", err)
		}
		if err := migrateRiver(ctx, pool, log); err != nil {
			return err
		}
		if err := migrateOurs(ctx, conn.Conn(), migrations(), log); err != nil {
			return err
		}
		return replaceJobs(ctx, conn.Conn(), RiverSchema, log)
	})
}

// inTurn runs f while nobody else migrates.
func inTurn(ctx context.Context, conn *pgx.Conn, f func() error) error {
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", lockKey); err != nil {
		return fmt.Errorf("wait for the migration lock: %w", err)
	}
	defer func() {
		// The lock must go even if ctx has ended, or the pooled connection would keep it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = conn.Exec(ctx, "select pg_advisory_unlock($1)", lockKey)
	}()
	return f()
}

func migrateRiver(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema, Logger: quiet(log)})
	if err != nil {
		return fmt.Errorf("river migrations: %w", err)
	}
	res, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return fmt.Errorf("river migrations: %w", err)
	}
	for _, v := range res.Versions {
		log.InfoContext(ctx, "migrated", "schema", RiverSchema, "version", v.Version, "name", v.Name)
	}
	return nil
}

// quiet drops River's own lines for each migration; migrateRiver says the same in one.
func quiet(log *slog.Logger) *slog.Logger { return slog.New(atLeast{log.Handler(), slog.LevelWarn}) }

type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h atLeast) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func migrateOurs(ctx context.Context, conn *pgx.Conn, list []migration, log *slog.Logger) error {
	have, err := appliedVersions(ctx, conn)
	if err != nil {
		return err
	}
	for _, m := range list {
		if slices.Contains(have, m.version) {
			continue
		}
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, m.sql); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "insert into work.migration (version, name) values ($1, $2)", m.version, m.name)
			return err
		})
		if err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		log.InfoContext(ctx, "migrated", "version", m.version, "name", m.name)
	}
	return nil
}

type migration struct {
	version int
	name    string
	sql     string
}

// migrations lists the embedded files in order. A file whose name does not begin with its number cannot be built in:
// the tests read every one.
func migrations() []migration {
	names, _ := fs.Glob(files, "migrations/*.sql")
	list := make([]migration, 0, len(names))
	for _, path := range names {
		text, _ := files.ReadFile(path)
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql")
		version, _ := strconv.Atoi(name[:3])
		list = append(list, migration{version, name, string(text)})
	}
	return list
}

// Hash names the whole schema that this binary makes, River's version included: test templates are kept by it.
func Hash(riverVersion string) string { return hashOf("migrations", "jobs", riverVersion)[:16] }

func hashOf(dirs ...string) string {
	sum := sha256.New()
	for _, dir := range dirs {
		sum.Write([]byte(dir))
		names, _ := fs.Glob(files, dir+"/*.sql")
		for _, name := range names {
			text, _ := files.ReadFile(name)
			sum.Write(text)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Check returns ErrSchemaOld if the database lacks any migration of this binary, ours or River's.
func Check(ctx context.Context, pool *pgxpool.Pool) error {
	have, err := appliedVersions(ctx, pool)
	if err != nil {
		return err
	}
	for _, m := range migrations() {
		if !slices.Contains(have, m.version) {
			return ErrSchemaOld
		}
	}
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema})
	if err != nil {
		return fmt.Errorf("river migrations: %w", err)
	}
	existing, err := m.ExistingVersions(ctx)
	if err != nil {
		return fmt.Errorf("river migrations: %w", err)
	}
	for _, want := range m.AllVersions() {
		if !slices.ContainsFunc(existing, func(e rivermigrate.Migration) bool { return e.Version == want.Version }) {
			return ErrSchemaOld
		}
	}
	return nil
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func appliedVersions(ctx context.Context, q querier) ([]int, error) {
	rows, _ := q.Query(ctx, "select version from work.migration order by version")
	have, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && (pgErr.Code == "42P01" || pgErr.Code == "3F000") {
		return nil, ErrSchemaOld // no such table or schema: never migrated
	}
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	return have, nil
}
