package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Memory is what a process has resident, in MiB.
type Memory struct {
	Now  float64 `json:"now_mib"`
	Peak float64 `json:"peak_mib"` // since it began
}

// MemoryOf asks the system for the memory of a process: on Linux /proc, which knows the peak as well. Elsewhere it asks
// ps, which knows only the present; Watch makes a peak of it.
func MemoryOf(ctx context.Context, pid int) (Memory, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err == nil {
		return parseStatus(status)
	}
	out, err := exec.CommandContext(ctx, "ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return Memory{}, fmt.Errorf("ask ps for the memory of process %d: %w", pid, err)
	}
	kib, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		return Memory{}, fmt.Errorf("ps says of memory %q", out)
	}
	return Memory{Now: mib(kib), Peak: mib(kib)}, nil
}

func parseStatus(status []byte) (Memory, error) {
	var m Memory
	found := 0
	for line := range bytes.Lines(status) {
		name, value, _ := strings.Cut(string(line), ":")
		var into *float64
		switch name {
		case "VmRSS":
			into = &m.Now
		case "VmHWM":
			into = &m.Peak
		default:
			continue
		}
		kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		if err != nil {
			return Memory{}, fmt.Errorf("memory in /proc: %w", err)
		}
		*into = mib(kib)
		found++
	}
	if found != 2 {
		return Memory{}, fmt.Errorf("no memory in /proc: the process is gone")
	}
	return m, nil
}

func mib(kib int) float64 { return float64(kib) / 1024 }

// Watch looks at a process's memory every tenth of a second until ctx ends and returns the last look, with the highest
// peak of all.
func Watch(ctx context.Context, pid int) Memory {
	var m Memory
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if now, err := MemoryOf(ctx, pid); err == nil {
			m = Memory{Now: now.Now, Peak: max(m.Peak, now.Peak)}
		}
		select {
		case <-ctx.Done():
			return m
		case <-tick.C:
		}
	}
}
