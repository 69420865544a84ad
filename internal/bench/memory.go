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

// Memory is the resident memory of a process, in MiB.
type Memory struct {
	Now  float64 `json:"now_mib"`
	Peak float64 `json:"peak_mib"` // since the process started
}

// MemoryOf returns the memory of a process: on Linux from /proc, which also has the peak. On other systems it runs ps,
// which has only the current value; Watch derives a peak from it.
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
		return Memory{}, fmt.Errorf("ps printed %q as memory", out)
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
		return Memory{}, fmt.Errorf("no memory in /proc: the process has ended")
	}
	return m, nil
}

func mib(kib int) float64 { return float64(kib) / 1024 }

// Watch samples a process's memory every tenth of a second until ctx ends, and returns the last sample with the highest
// peak.
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
