package app

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/testdb"
)

// TestBenchWebInShort runs the whole measurement with tiny numbers: its counts must be right. Times are not looked at,
// for tests run beside others.
func TestBenchWebInShort(t *testing.T) {
	t.Parallel()
	serverURL := testdb.NewEmptyURL(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self,
		"bench", "web", "--json", "--rounds", "1", "--seconds", "0.15", "--readers", "60", "--signins", "3", "--waits", "2")
	cmd.Env = append(os.Environ(), asProgram+"=1", "DATABASE_URL="+serverURL, "WEB_POOL=4")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	var report webReport
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Cells) != 8 {
		t.Errorf("%d cells, want four contenders at two numbers of connections", len(report.Cells))
	}
	for _, c := range report.Cells {
		jobs := 0
		if c.Contender == withJob || c.Contender == sqlAlone {
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
	if report.Memory.Peak < 1 || len(report.Targets) != 7 {
		t.Errorf("memory %+v, %d targets", report.Memory, len(report.Targets))
	}
}

// TestReportIsSound: requests that failed, or jobs and mails that are missing, make figures worthless.
func TestReportIsSound(t *testing.T) {
	t.Parallel()
	good := bench.Cell{Contender: withJob, Requests: 10, Jobs: 10, JobsEach: 1}
	missing, failed := good, good
	missing.Jobs = 9
	failed.Errors = 1
	waited := bench.Cell{Contender: inlined, Requests: 3}
	for _, c := range []struct {
		name  string
		cells []bench.Cell
		mails int
		sound bool
	}{
		{"all is well", []bench.Cell{good, waited}, 3, true},
		{"a job is missing", []bench.Cell{missing}, 0, false},
		{"a request failed", []bench.Cell{failed}, 0, false},
		{"a mail was not sent", []bench.Cell{waited}, 2, false},
	} {
		r := webReport{Cells: c.cells, Mails: c.mails}
		if err := r.sound(); (err == nil) != c.sound {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
