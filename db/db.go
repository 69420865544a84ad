// Package db holds the schema: forward-only migrations of our own tables, River's through River's migrator, and the SQL
// surface `jobs`. It applies them, and checks whether a database has them.
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

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:generate go tool -modfile=../tools.mod sqlc generate

//go:embed migrations/*.sql jobs/*.sql
var files embed.FS

// RiverSchema is the schema of River's own tables.
const RiverSchema = "river"

// lockKey is the advisory lock that serialises concurrent migrations (two release phases): "backlist" in ASCII.
const lockKey = 0x6261636b6c697374

// ErrSchemaOld means that the database lacks migrations that this binary needs. A newer database is not an error: an
// older release with a newer schema (a rollback, a worker farm) keeps working.
var ErrSchemaOld = errors.New("the database schema is older than this release; run: backlist migrate")

const migrationTable = `create schema if not exists work;
	create table if not exists work.migration (
		version int primary key, name text not null, applied_at timestamptz not null default now())`

// Migrate migrates a database to this binary's version: River's tables, ours, then the views and functions of schema
// jobs. It is safe to run twice at once, and fast when there is nothing to do. Each step is a transaction. A step that
// waits too long for a lock returns a *BlockedError.
func Migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	return Usual().Migrate(ctx, pool, log)
}

// Migrate is like the function Migrate, but waits for locks as p says.
func (p Patience) Migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	if err := CheckServer(ctx, conn.Conn()); err != nil {
		return err
	}
	r := p.run(conn.Conn(), log)
	if err := r.prepare(ctx, "create schema if not exists river;"+migrationTable); err != nil {
		return err
	}
	if err := r.migrateRiver(ctx); err != nil {
		return err
	}
	if err := r.migrateOurs(ctx, migrations()); err != nil {
		return err
	}
	return r.replaceJobs(ctx, RiverSchema)
}

func (r *run) prepare(ctx context.Context, sql string) error {
	return r.inTurn(ctx, "create schemas", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql)
		return err
	})
}

func (r *run) migrateOurs(ctx context.Context, list []migration) error {
	var have []int
	err := r.step(ctx, "read the schema's version", func(tx pgx.Tx) (err error) {
		have, err = appliedVersions(ctx, tx, ourVersions)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range list {
		if slices.Contains(have, m.version) {
			continue
		}
		if err := r.migrateOne(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) migrateOne(ctx context.Context, m migration) error {
	name, pending := "migration "+m.name, true
	err := r.inTurn(ctx, name, func(tx pgx.Tx) error {
		have, err := appliedVersions(ctx, tx, ourVersions)
		if pending = err == nil && !slices.Contains(have, m.version); !pending {
			return err
		}
		if _, err := tx.Exec(ctx, m.sql); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "insert into work.migration (version, name) values ($1, $2)", m.version, m.name)
		return err
	})
	if err == nil && pending {
		r.done = append(r.done, name)
		r.log.InfoContext(ctx, "migrated", "version", m.version, "name", m.name)
	}
	return err
}

type migration struct {
	version int
	name    string
	sql     string
}

// migrations lists the embedded files in order. Every name begins with a number, because the tests read every file.
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

// Hash identifies the whole schema that this binary makes, including River's version. The names of test templates
// contain it.
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

// Check returns ErrSchemaOld if the database lacks a migration of this binary, ours or River's. Additional migrations
// are not an error.
func Check(ctx context.Context, q querier) error {
	have, err := appliedVersions(ctx, q, ourVersions)
	if err != nil {
		return err
	}
	for _, m := range migrations() {
		if !slices.Contains(have, m.version) {
			return ErrSchemaOld
		}
	}
	m, err := rivermigrate.New(riverpgxv5.New(nil), &rivermigrate.Config{Schema: RiverSchema}) // lists its migrations; makes no query
	if err != nil {
		return fmt.Errorf("river migrations: %w", err)
	}
	// River's own ExistingVersions fails for a version that it does not know.
	rivers, err := appliedVersions(ctx, q, "select version from river.river_migration where line = 'main'")
	if err != nil {
		return err
	}
	for _, want := range m.AllVersions() {
		if !slices.Contains(rivers, want.Version) {
			return ErrSchemaOld
		}
	}
	return nil
}

const ourVersions = "select version from work.migration"

// querier is a connection or a pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func appliedVersions(ctx context.Context, q querier, sql string) ([]int, error) {
	rows, _ := q.Query(ctx, sql)
	have, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && slices.Contains([]string{"42P01", "3F000", "42703"}, pgErr.Code) {
		return nil, ErrSchemaOld // undefined table, schema or column: never migrated, or long ago
	}
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	return have, nil
}
