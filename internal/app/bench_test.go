package app

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/console"
	"github.com/backlist/backlist/internal/crowd"
	"github.com/backlist/backlist/internal/testdb"
	view "github.com/backlist/backlist/views/console"
)

// TestBenchWebInShort runs the whole measurement with tiny numbers and checks its counts. It ignores times, because tests run
// beside others.
func TestBenchWebInShort(t *testing.T) {
	t.Parallel()
	var report crowd.Report
	benchInShort(t, plain(t), &report, "web", "--rounds", "1", "--seconds", "0.15", "--readers", "60", "--signins", "3", "--waits", "2")
	if len(report.Cells) != 8 {
		t.Errorf("%d cells, want four contenders at two numbers of connections", len(report.Cells))
	}
	for _, c := range report.Cells {
		jobs := 0
		if c.Contender == crowd.WithJob || c.Contender == crowd.SQLAlone {
			jobs = c.Requests
		}
		if c.Errors != 0 || c.Requests == 0 || c.Requests > 60 || c.Jobs != jobs {
			t.Errorf("%s, %d connections: %d requests (at most 60), %d failed (%s), %d jobs, want %d",
				c.Contender, c.Connections, c.Requests, c.Errors, c.FirstError, c.Jobs, jobs)
		}
	}
	if report.SignIns != 3 || report.Waits != 2 || report.Mails == 0 || report.DistinctReaders == 0 || report.Pool != 4 {
		t.Errorf("%d sign-ins, %d waits, %d mails, %d readers, pools of %d", report.SignIns, report.Waits, report.Mails,
			report.DistinctReaders, report.Pool)
	}
	if report.Memory.Peak < 1 || len(report.Pages) != 8 || len(report.Targets) != 9 {
		t.Errorf("memory %+v, %d pages, %d targets", report.Memory, len(report.Pages), len(report.Targets))
	}
}

// TestBenchWorkInShort runs bench work, which itself checks that every job was done and has its effect once.
func TestBenchWorkInShort(t *testing.T) {
	t.Parallel()
	var report bench.WorkReport
	benchInShort(t, self(t), &report, "work", "--rounds", "1", "--jobs", "400", "--finished", "1000", "--connections", "4", "--snapshot")
	if len(report.Cells) != 16 || len(report.Targets) != 6 {
		t.Errorf("%d cells, %d targets", len(report.Cells), len(report.Targets))
	}
	for _, c := range report.Cells {
		if c.Jobs == 0 || c.PerSecond <= 0 || c.WorkerCPU <= 0 || c.WAL <= 0 {
			t.Errorf("%+v", c)
		}
	}
}

// TestBenchLatencyInShort: every committed job starts and is counted.
func TestBenchLatencyInShort(t *testing.T) {
	t.Parallel()
	var report bench.LatencyReport
	benchInShort(t, self(t), &report, "latency", "--rounds", "1", "--seconds", "0.3", "--idle", "1")
	if len(report.Cells) != 14 || len(report.Targets) != 7 {
		t.Errorf("%d cells, %d targets", len(report.Cells), len(report.Targets))
	}
	for _, c := range report.Cells {
		if c.Jobs < 5 || c.P99 < c.P50 || c.Max < c.P99 {
			t.Errorf("%+v", c)
		}
	}
}

// TestBenchConsoleInShort: every page is loaded, explained and kept open, beside a worker.
func TestBenchConsoleInShort(t *testing.T) {
	t.Parallel()
	var report bench.ConsoleReport
	benchInShort(t, plain(t), &report, "console", "--finished", "500", "--waiting", "20", "--failed", "20", "--jobs", "100", "--connections", "4", "--loads", "1", "--seconds", "0.1")
	if len(report.Results) != 1 || len(report.Targets) != 7 {
		t.Fatalf("%d results, %d targets", len(report.Results), len(report.Targets))
	}
	result, asked := report.Results[0], map[string]bool{}
	if result.Peak <= 0 || result.Baseline.Loads != 1 || result.Baseline.PerSecond <= 0 {
		t.Errorf("peak %v, baseline %+v", result.Peak, result.Baseline)
	}
	for _, p := range result.Pages {
		asked[strings.TrimPrefix(p.Path, view.Root)] = true
		if p.Loads != 1 || p.PerSecond <= 0 || p.Wire == 0 || p.First <= p.Wire || len(p.Panels) == 0 {
			t.Errorf("%s: %d loads, %v a second, %d bytes, %d with assets, %d panels", p.Path, p.Loads, p.PerSecond, p.Wire, p.First, len(p.Panels))
		}
		for _, panel := range p.Panels {
			if panel.Took <= 0 || !strings.Contains(panel.Plan, "Execution Time") || len(panel.Scanned) > 0 {
				t.Errorf("%s: %+v", p.Path, panel)
			}
		}
	}
	for _, pattern := range console.Patterns() {
		if pattern = strings.TrimSuffix(pattern, "/"); !strings.Contains(pattern, "{") && !asked[pattern] {
			t.Errorf("bench console does not load %s", pattern)
		}
	}
}

// benchInShort runs a measurement of bench as a process of its own and reads its report.
func benchInShort(t *testing.T, program string, report any, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, append([]string{"bench", args[0], "--json"}, args[1:]...)...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "DATABASE_URL="+testdb.NewEmptyURL(t), "WEB_POOL=4")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if err := json.Unmarshal(out.Bytes(), report); err != nil {
		t.Fatal(err)
	}
}

// TestBenchSQLInShort runs the whole measurement at a tiny size: it queries every view and runs every job. The simulated
// console gets at least one page, even if the jobs are done sooner.
func TestBenchSQLInShort(t *testing.T) {
	t.Parallel()
	serverURL := testdb.NewEmptyURL(t)
	cmd := exec.CommandContext(t.Context(), self(t), "bench", "sql", "--json", "--rounds", "1", "--finished", "2000", "--waiting", "200", "--failed", "100", "--jobs", "20")
	cmd.Env = append(os.Environ(), asProgram+"=1", "DATABASE_URL="+serverURL)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	var report bench.SurfaceReport
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, a := range report.Answers {
		asked[a.View] = true
		if a.Rows == 0 || a.Took.Median <= 0 || a.Limit > 100 || !strings.Contains(a.Plan, "Execution Time") {
			t.Errorf("%+v", a)
		}
	}
	for _, view := range valueOf[[]string](t, openPool(t, testdb.NewURL(t)), "select array_agg(viewname::text) from pg_views where schemaname = 'jobs'") {
		if !asked[view] {
			t.Errorf("bench sql does not query jobs.%s", view)
		}
	}
	if len(report.Cells) != 2 || report.Cells[0].Jobs != 20 || report.Ratio.Median <= 0 || report.Page.Median <= 0 {
		t.Errorf("%+v, ratio %v, page %v", report.Cells, report.Ratio, report.Page)
	}
}
