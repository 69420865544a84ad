package crowd

import (
	"testing"

	"github.com/backlist/backlist/internal/bench"
)

// TestReportIsSound: failed requests and missing jobs or mails make a report unsound.
func TestReportIsSound(t *testing.T) {
	t.Parallel()
	good := bench.Cell{Contender: WithJob, Requests: 10, Jobs: 10, JobsEach: 1}
	missing, failed := good, good
	missing.Jobs = 9
	failed.Errors = 1
	waited := bench.Cell{Contender: Inlined, Requests: 3}
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
		r := Report{Cells: c.cells, Mails: c.mails}
		if err := r.Sound(); (err == nil) != c.sound {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
