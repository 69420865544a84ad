package testdb

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	osexec "os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/pglocal"
)

// NewReplica returns a migrated database on the test's own server, and its streaming replica. It takes some seconds.
func NewReplica(t testing.TB) (primary, replica *pgxpool.Pool) {
	t.Helper()
	backup, err := pglocal.Find("pg_basebackup")
	if err != nil {
		if os.Getenv("BACKLIST_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	root := serverDir(t)
	dir := filepath.Join(root, "primary")
	primary = startIn(t, dir)
	if err := db.Migrate(t.Context(), primary, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}

	// A copy of the data with a file that names the primary. The account that runs the servers must own it.
	copied := filepath.Join(root, "replica")
	if err := os.MkdirAll(filepath.Join(copied, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "password"), filepath.Join(copied, "password")); err != nil {
		t.Fatal(err)
	}
	out, err := osexec.CommandContext(t.Context(), backup, "--pgdata="+filepath.Join(copied, "data"), "--checkpoint=fast", "--no-sync",
		"--write-recovery-conf", "--dbname="+primary.Config().ConnString()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := ownAs(filepath.Join(dir, "data"), filepath.Join(copied, "data")); err != nil {
		t.Fatal(err)
	}
	return primary, startIn(t, copied)
}

// serverDir returns a folder for a server. Root's servers run as an unprivileged user, which must have access to it.
func serverDir(t testing.TB) string {
	t.Helper()
	if os.Geteuid() != 0 {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp("/var/tmp", "backlist-replica-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// startIn starts a server that writes the WAL that a replica needs.
func startIn(t testing.TB, dir string) *pgxpool.Pool {
	t.Helper()
	server, err := pglocal.Start(context.WithoutCancel(t.Context()), pglocal.Config{Dir: dir, MaxConnections: 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	pool, err := pgxpool.New(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// ownAs makes the owner of model the owner of everything below dir.
func ownAs(model, dir string) error {
	info, err := os.Stat(model)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
}

// CatchUp waits until the replica has replayed everything that the primary has written.
func CatchUp(t testing.TB, primary, replica *pgxpool.Pool) {
	t.Helper()
	var until string
	if err := primary.QueryRow(t.Context(), "select pg_current_wal_insert_lsn()::text").Scan(&until); err != nil {
		t.Fatal(err)
	}
	for there := false; !there; {
		if err := replica.QueryRow(t.Context(), "select pg_last_wal_replay_lsn() >= $1::text::pg_lsn", until).Scan(&there); err != nil {
			t.Fatal(err)
		}
	}
}
