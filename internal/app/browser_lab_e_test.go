package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// noWorker: no job begins before the worker process is started, and each has its effect once.
func (b *labTab) noWorker() {
	b.t.Helper()
	began := get[[]float64](b.tab, `[...$$(".fall-lane")].slice(1).map((l) => +l.querySelector(".bar-attempt").dataset.from)`)
	start := b.bar(0, "lab.1", "away", "to")
	if len(began) != 12 || slices.Min(began) < start {
		b.t.Errorf("jobs began at %v ms, and the worker was started at %v ms", began, start)
	}
	if why := b.table(0); len(why) != 1 || why[0][0] != "no_worker_for_queue" || why[0][2] != "12" {
		b.t.Errorf("why they waited: %v", why)
	}
	b.t.Logf("first job at %.0f ms, of which no worker ran for %.0f ms: 1/%.1f", slices.Min(began), start, slices.Min(began)/start)
}

// killAWorker: the effect of each job is there once. The second attempt begins after the worker of the first was killed or suspended,
// and the late attempt ends after the effect, refused.
func (b *labTab) killAWorker() {
	b.t.Helper()
	for i, want := range []string{"Killed with SIGKILL 2 1 0", "Suspended with SIGSTOP 2 1 1"} { // attempts, effects, refused
		row := b.table(0)[i]
		if got := strings.Join(row[:4], " "); got != want {
			b.t.Errorf("%q, want %q", got, want)
		}
		hit, again, effect := b.bar(i, "attempt 1", "lost", "from"), b.bar(i, "attempt 2", "attempt", "from"), b.bar(i, "attempt 2", "attempt", "to")
		if hit >= again || again >= effect {
			b.t.Errorf("%s: hit at %v ms, second attempt from %v to %v ms", row[0], hit, again, effect)
		}
		b.t.Logf("%s: rescued after %.0f ms, %.1f times as long as the job; %s calls", row[0], again-hit, (again-hit)/(effect-again), row[4])
	}
	if late, effect := b.bar(1, "attempt 1", "failed", "to"), b.bar(1, "attempt 2", "attempt", "to"); late <= effect {
		b.t.Errorf("the late attempt ended at %v ms, and the effect was there at %v ms", late, effect)
	}
}

// table returns the rows of one of the run's tables.
func (b *labTab) table(i int) [][]string {
	b.t.Helper()
	return get[[][]string](b.tab, fmt.Sprintf(
		`[...$$(".lab-table")[%d].querySelectorAll("tbody tr")].map((r) => [...r.children].map((c) => c.innerText.trim()))`, i))
}

// stopsAll: Ctrl-C in the middle of an experiment leaves no process.
func (b *labTab) stopsAll(dev *process) {
	b.t.Helper()
	b.goTo("/lab/kill-a-worker")
	b.click(".lab-start button")
	b.wait("a killed worker", `!!$(".bar-lost")`)
	workers := childrenOf(b.t, dev.cmd.Process.Pid)
	if len(workers) == 0 {
		b.t.Error("dev has no worker processes")
	}
	b.expect("ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_REFUSED", "Failed to fetch", "network error")
	dev.tell(syscall.SIGINT)
	dev.exitsWithin(patience)
	for _, pid := range workers {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			b.t.Errorf("process %d still runs: %v", pid, err)
		}
	}
}

// childrenOf returns the processes that a process has started and that run this program.
func childrenOf(t *testing.T, parent int) (pids []int) {
	t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, _ := os.ReadFile(entry) // it may have ended
		_, after, _ := strings.Cut(string(text), ") ")
		var state string
		var of int
		if _, err := fmt.Sscan(after, &state, &of); err != nil || of != parent {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(entry)))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}
