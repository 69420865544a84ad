package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ProcessFigures is what one process used during a load. Figures that the system does not report are 0.
type ProcessFigures struct {
	Name        string  `json:"name"`
	Memory      Memory  `json:"memory"`
	Connections int     `json:"connections"` // to the database, at most
	CPU         float64 `json:"cpu_percent"` // of one processor
}

// WatchProcess watches a process until ctx ends. database is the address of the database: host and port.
func WatchProcess(ctx context.Context, name string, pid int, database string) ProcessFigures {
	f := ProcessFigures{Name: name}
	began, before := time.Now(), processTime(pid)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if now, err := MemoryOf(ctx, pid); err == nil {
			f.Memory = Memory{Now: now.Now, Peak: max(f.Memory.Peak, now.Peak)}
		}
		f.Connections = max(f.Connections, connectionsOf(pid, database))
		select {
		case <-ctx.Done():
			f.CPU = 100 * (processTime(pid) - before).Seconds() / time.Since(began).Seconds()
			return f
		case <-tick.C:
		}
	}
}

// processTime returns the CPU time of a process, or 0 where the system does not report it.
func processTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	s, err := parseStat(pid, text)
	if err != nil {
		return 0
	}
	return s.own
}

// connectionsOf counts the open connections of a process to an address, or returns 0 where the system does not report them.
func connectionsOf(pid int, address string) (n int) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	var decimal int
	if _, err := fmt.Sscan(port, &decimal); err != nil {
		return 0
	}
	remote := fmt.Sprintf(":%04X", decimal)
	sockets := map[string]bool{} // by inode
	for _, table := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		for line := range strings.Lines(string(text)) {
			// sl, local address, remote address, state (01: established), …; the tenth is the inode
			if fields := strings.Fields(line); len(fields) > 9 && fields[3] == "01" && strings.HasSuffix(fields[2], remote) {
				sockets["socket:["+fields[9]+"]"] = true
			}
		}
	}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, file := range files {
		if target, err := os.Readlink(file); err == nil && sockets[target] {
			n++
		}
	}
	return n
}
