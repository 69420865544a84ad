package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
)

// Machine describes where figures were measured; without it they mean little.
type Machine struct {
	At                time.Time `json:"at"`
	OS                string    `json:"os"`
	Cores             int       `json:"cores"` // shared by load, program and Postgres
	Go                string    `json:"go"`
	Postgres          string    `json:"postgres"`
	Fsync             string    `json:"fsync"`
	SynchronousCommit string    `json:"synchronous_commit"`
	SharedBuffers     string    `json:"shared_buffers"`
}

// MachineOf describes this machine and the server of conn.
func MachineOf(ctx context.Context, conn interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) (Machine, error) {
	m := Machine{
		At: time.Now().UTC(), OS: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(),
	}
	err := conn.QueryRow(ctx, `select current_setting('server_version'), current_setting('fsync'),
		current_setting('synchronous_commit'), current_setting('shared_buffers')`).
		Scan(&m.Postgres, &m.Fsync, &m.SynchronousCommit, &m.SharedBuffers)
	if err != nil {
		return m, fmt.Errorf("describe the server: %w", err)
	}
	return m, nil
}

func (m Machine) String() string {
	return fmt.Sprintf("%s, %s, %d cores shared by load, program and database, %s, Postgres %s (fsync %s, synchronous_commit %s, "+
		"shared_buffers %s)", m.At.Format("2006-01-02 15:04 MST"), m.OS, m.Cores, m.Go, m.Postgres, m.Fsync, m.SynchronousCommit,
		m.SharedBuffers)
}
