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

// pidFile is what the postmaster says of itself in postmaster.pid.
type pidFile struct {
	pid, port int
	status    string // "ready" when it takes connections
}

func (f pidFile) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(f.port)) }

// readPIDFile reads a cluster's postmaster.pid, whose lines are: pid, data folder, start time, port, socket
// folder, listen address, shared memory key, status (miscadmin.h, LOCK_FILE_LINE_*).
func readPIDFile(data string) (pidFile, error) {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 {
		return pidFile{}, errors.New("postmaster.pid is not whole")
	}
	var file pidFile
	if file.pid, err = strconv.Atoi(strings.TrimSpace(lines[0])); err != nil {
		return pidFile{}, err
	}
	if file.port, err = strconv.Atoi(strings.TrimSpace(lines[3])); err != nil {
		return pidFile{}, err
	}
	if len(lines) > 7 {
		file.status = strings.TrimSpace(lines[7])
	}
	return file, nil
}

// clearPIDFile removes the pid file of a dead server. Postgres would do so itself, but not when the number
// has meanwhile been given to another process. Only a server started by hand lives without our lock.
func (s *Server) clearPIDFile() error {
	path := filepath.Join(s.path("data"), "postmaster.pid")
	file, err := readPIDFile(s.path("data"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return os.Remove(path) // cut off by a power cut; Postgres does not start over an empty one either
	}
	if conn, err := net.DialTimeout("tcp", file.address(), time.Second); err == nil {
		conn.Close()
		if syscall.Kill(file.pid, 0) == nil {
			return fmt.Errorf("a Postgres that Backlist did not start (process %d) runs on %s: stop it first", file.pid, s.path("data"))
		}
	}
	return os.Remove(path)
}
