package work_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// throughPooler is what a URL of a pooler has; internal/app puts it there.
const throughPooler = "default_query_exec_mode=cache_describe"

// pooled returns a pool that reaches the database of direct through a real PgBouncer, which lends its connections by the
// transaction: no LISTEN, no session locks, no prepared statements.
func pooled(t *testing.T, direct *pgxpool.Pool) *pgxpool.Pool {
	t.Helper()
	bouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		if bouncer = "/usr/sbin/pgbouncer"; !isFile(bouncer) {
			if os.Getenv("BACKLIST_CI") != "" {
				t.Fatal("PgBouncer is not on this machine")
			}
			t.Skip("needs PgBouncer (Debian: pgbouncer)")
		}
	}
	server := direct.Config().ConnConfig
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a free port, and its number
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	dir, err := os.MkdirTemp("", "pooler-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config := fmt.Sprintf(`[databases]
* = host=%s port=%d user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 6
`, server.Host, server.Port, server.User, server.Password, port)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // it reads the file as somebody else
		t.Fatal(err)
	}
	args := []string{file}
	if os.Getuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...) // as root it refuses
	}
	cmd := exec.Command(bouncer, args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	u, err := url.Parse(direct.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = fmt.Sprintf("127.0.0.1:%d", port), "sslmode=disable&"+throughPooler
	pool, err := pgxpool.New(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if err = pool.Ping(t.Context()); err == nil {
			return pool
		}
		if time.Now().After(deadline) {
			t.Fatalf("PgBouncer does not answer: %v", err)
		}
	}
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// TestThroughAPooler: workers that have no notices and no lock work, cancel, drain and rescue all the same, only later.
func TestThroughAPooler(t *testing.T) {
	t.Parallel()
	direct := testdb.New(t)
	pool := pooled(t, direct)
	victim := another(t, pool)
	stuck := enqueue(t, direct, 1)
	until(t, direct, "the victim has the job", "select state = 'running' from river.river_job where id = $1", stuck)

	cancelled := make(chan struct{})
	o := options(t, func(ctx context.Context, job *river.Job[stepArgs]) error {
		if job.Args.N == 3 {
			<-ctx.Done()
			close(cancelled)
			return ctx.Err()
		}
		return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
	})
	o.PollOnly = true
	w, stop := worktest.Start(t, pool, o)
	done := "select state = 'completed' and attempted_by[array_upper(attempted_by, 1)] = $2 from river.river_job where id = $1"
	if _, err := direct.Exec(t.Context(), "update work.worker set draining = true where id <> $1", w.ID()); err != nil {
		t.Fatal(err)
	}
	until(t, direct, "the victim drains", "select bool_and(drained_at is not null) from work.worker where id <> $1", w.ID())
	until(t, direct, "a job is done", done, enqueue(t, direct, 2), w.ID())

	long := enqueue(t, direct, 3)
	until(t, direct, "the long job runs", "select state = 'running' from river.river_job where id = $1", long)
	if _, err := inserter(t, direct).JobCancel(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	<-cancelled
	until(t, direct, "the job is cancelled", "select state = 'cancelled' from river.river_job where id = $1", long)

	judging(t, direct)
	if err := victim.Kill(); err != nil {
		t.Fatal(err)
	}
	until(t, direct, "the victim's job is done elsewhere", done, stuck, w.ID())
	stop()
	until(t, direct, "the worker has said goodbye", "select stopped_at is not null from work.worker where id = $1", w.ID())
}

// pollOnly says whether a worker that a test starts is to do without notices.
func pollOnly(databaseURL string) bool { return strings.Contains(databaseURL, throughPooler) }
