// Package testdb gives tests a real Postgres: a transaction that is rolled back (Tx), or their own database (New). The
// server is that of TEST_DATABASE_URL, or else a private one that the test processes of a checkout share.
package testdb

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/config"
	"github.com/backlist/backlist/internal/pglocal"
)

// templateLock is the advisory lock that a test process holds while it builds the template.
const templateLock = 0x7465737464620001

// parallel is how many tests of a package run at once by default: more than there are cores, because many of them wait.
const parallel = 6

// server is the state that the tests of one process share. It is a package variable because the testing package has no
// other place for it.
var server struct {
	sync.Mutex
	inMain bool
	local  *pglocal.Server
	url    string
	tmpl   string
	txPool *pgxpool.Pool
}

// Main runs a package's tests and then releases the private Postgres, which the last process stops. Every package whose
// tests use this one has: func TestMain(m *testing.M) { testdb.Main(m) }
func Main(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(max(parallel, runtime.GOMAXPROCS(0))))
	}
	server.inMain = true
	code := m.Run()
	if server.txPool != nil {
		server.txPool.Close()
	}
	if server.local != nil {
		if err := server.local.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "testdb:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Tx returns a transaction on a migrated database which is rolled back when the test ends. Tests that use it may run in
// parallel. Tests of LISTEN/NOTIFY, and tests that need a second connection, use New.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	start(t)
	ctx := context.WithoutCancel(t.Context())
	tx, err := sharedPool(t).Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tx.Rollback(ctx); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
			t.Error(err)
		}
	})
	return tx
}

// New returns a pool on the test's own migrated database. The database is dropped afterwards, unless the test failed:
// then its URL is logged.
func New(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// NewURL is like New, but returns the database's URL, for programs that connect themselves.
func NewURL(t testing.TB) string {
	t.Helper()
	return create(t, "template "+pgx.Identifier{start(t)}.Sanitize()+" strategy file_copy") // a third faster than wal_log
}

// NewEmptyURL returns the URL of a database without our schemas, for tests of migrations.
func NewEmptyURL(t testing.TB) string {
	t.Helper()
	start(t)
	return create(t, "template template0")
}

func create(t testing.TB, how string) string {
	t.Helper()
	name := "t_" + strings.ToLower(rand.Text()[:16])
	exec(t, "create database "+name+" "+how)
	dbURL := withDatabase(server.url, name)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the test's database is kept: %s", dbURL)
			return
		}
		exec(t, "drop database "+name+" with (force)")
	})
	return dbURL
}

// exec runs sql on the maintenance database, outside a transaction.
func exec(t testing.TB, sql string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, server.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

func withDatabase(serverURL, name string) string {
	u, _ := url.Parse(serverURL) // pgx has parsed it before
	u.Path = "/" + name
	return u.String()
}

// start starts the server and builds the template if needed, and returns the template's name.
func start(t testing.TB) string {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	if server.tmpl != "" {
		return server.tmpl
	}
	if !server.inMain {
		t.Fatal("this package's tests need: func TestMain(m *testing.M) { testdb.Main(m) }")
	}
	server.url = os.Getenv("TEST_DATABASE_URL")
	if server.url != "" {
		if _, err := config.ParseURL("TEST_DATABASE_URL", server.url, config.DatabaseSchemes...); err != nil {
			t.Fatal(err)
		}
	} else {
		dir, err := pglocal.DefaultDir(checkout(), "test")
		if err != nil {
			t.Fatal(err)
		}
		server.local, err = pglocal.Start(context.WithoutCancel(t.Context()), pglocal.Config{
			Dir: dir, Throwaway: true, Shared: true, MaxConnections: 300,
			Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		if err != nil {
			t.Fatal(err)
		}
		server.url = server.local.URL()
	}
	tmpl := "tmpl_" + db.Hash(riverVersion(t))
	if err := buildTemplate(context.WithoutCancel(t.Context()), tmpl); err != nil {
		t.Fatal(err)
	}
	server.tmpl = tmpl
	return tmpl
}

// checkout returns the folder of go.mod, relative to this file.
func checkout() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// riverVersion returns the version of River in go.mod. The template contains River's migrations too.
func riverVersion(t testing.TB) string {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(checkout(), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(mod), "github.com/riverqueue/river v")
	version, _, _ := strings.Cut(after, "\n")
	return version
}

// buildTemplate makes the template database unless it exists. It is renamed when complete, so that a crash does not
// leave an incomplete template.
func buildTemplate(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server.url)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", templateLock); err != nil {
		return err
	}
	var exists bool
	err = conn.QueryRow(ctx, "select exists (select from pg_database where datname = $1)", name).Scan(&exists)
	if err != nil || exists {
		return err
	}
	building := name + "_building"
	if _, err := conn.Exec(ctx, "drop database if exists "+building+" with (force)"); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "create database "+building); err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, withDatabase(server.url, building))
	if err != nil {
		return err
	}
	err = db.Migrate(ctx, pool, slog.New(slog.DiscardHandler))
	pool.Close()
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "alter database "+building+" rename to "+name)
	return err
}

// sharedPool returns a pool on a clone of the template, in which the rolled-back transactions of all processes run. The
// template itself must have no connections, or it could not be cloned.
func sharedPool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	if server.txPool != nil {
		return server.txPool
	}
	ctx := context.WithoutCancel(t.Context())
	name := strings.Replace(server.tmpl, "tmpl_", "tx_", 1)
	conn, err := pgx.Connect(ctx, server.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "create database "+name+" template "+server.tmpl)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); err != nil && !(ok && (pgErr.Code == "42P04" || pgErr.Code == "23505")) {
		t.Fatal(err) // not "it exists", nor the unique violation of a race
	}
	cfg, err := pgxpool.ParseConfig(withDatabase(server.url, name))
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = 32
	server.txPool, err = pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return server.txPool
}
