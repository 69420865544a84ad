package pglocal

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pidFile is the content of postmaster.pid.
type pidFile struct {
	pid, port int
	status    string // "ready" when the server accepts connections
}

func (f pidFile) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port)) }

func readPIDFile(data string) (pidFile, error) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	return parsePIDFile(string(text))
}

// parsePIDFile reads the lines of postmaster.pid: pid, data folder, start time, port, socket folder, listen address,
// shared memory key, status (LOCK_FILE_LINE_* in Postgres' miscadmin.h). The server writes them one by one; the file is
// of no use until it has a port.
func parsePIDFile(text string) (file pidFile, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 5 { // four complete lines and the rest
		return pidFile{}, errors.New("postmaster.pid is not complete")
	}
	if file.pid, err = strconv.Atoi(lines[0]); err != nil || file.pid <= 1 {
		return pidFile{}, fmt.Errorf("postmaster.pid names process %q", lines[0])
	}
	if file.port, err = strconv.Atoi(lines[3]); err != nil || file.port < 1 || file.port > 65535 {
		return pidFile{}, fmt.Errorf("postmaster.pid names port %q", lines[3])
	}
	if len(lines) > 7 {
		file.status = strings.TrimSpace(lines[7])
	}
	return file, nil
}

// clearPIDFile removes the pid file of a dead server. Postgres does so itself, but not if another process meanwhile has
// the same pid. Only a server that was started by hand can run without our lock.
func (s *Server) clearPIDFile() error {
	path := filepath.Join(s.path("data"), "postmaster.pid")
	file, err := readPIDFile(s.path("data"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return os.Remove(path) // a power cut truncated it; Postgres does not start with an empty one
	}
	if conn, err := net.DialTimeout("tcp", file.address(), time.Second); err == nil {
		conn.Close()
		if syscall.Kill(file.pid, 0) == nil {
			return fmt.Errorf("a Postgres that Backlist did not start (process %d) runs on %s: stop it first", file.pid, s.path("data"))
		}
	}
	return os.Remove(path)
}
