package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processCPU returns the CPU time that this process has used.
func processCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// clockTick is the unit of times in /proc, in practice the same on all systems (man 5 proc, sysconf(_SC_CLK_TCK)).
const clockTick = time.Second / 100

// serverCPU returns the CPU time that a local Postgres server has used in all its processes, including those that have
// ended. backend is the pid of any of its backends. It works only on Linux.
func serverCPU(backend int) (time.Duration, error) {
	me, err := statOf(backend)
	if err != nil {
		return 0, err
	}
	postmaster, err := statOf(me.parent)
	if err != nil {
		return 0, err
	}
	sum := postmaster.own + postmaster.children
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		pid, _ := strconv.Atoi(filepath.Base(entry))
		if s, err := statOf(pid); err == nil && s.parent == me.parent { // other processes may end meanwhile
			sum += s.own
		}
	}
	return sum, nil
}

type procStat struct {
	parent        int
	own, children time.Duration
}

// statOf returns the times of a process of Postgres.
func statOf(pid int) (procStat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return procStat{}, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	if !strings.Contains(string(text), "postgres") { // the pid of a remote server may be another process here
		return procStat{}, fmt.Errorf("process %d is not Postgres", pid)
	}
	return parseStat(pid, text)
}

func parseStat(pid int, text []byte) (procStat, error) {
	// The second field, the name in brackets, may contain any character.
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')'):]), " ")
	fields := strings.Fields(rest) // from the third on: state, ppid, …; utime is the 14th field
	if len(fields) < 15 {
		return procStat{}, fmt.Errorf("CPU time of process %d: %q", pid, text)
	}
	var n [4]int64
	for i := range n {
		n[i], _ = strconv.ParseInt(fields[11+i], 10, 64)
	}
	parent, err := strconv.Atoi(fields[1])
	return procStat{parent, time.Duration(n[0]+n[1]) * clockTick, time.Duration(n[2]+n[3]) * clockTick}, err
}
