package drill

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestSound: a lost effect fails a drill; without the fence, a drill without doubled effects fails.
func TestSound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		report  Report
		problem string // part of the error; "" = none
	}{
		{"all well", Report{Results: []*Result{{Scenario: "kill"}}}, ""},
		{"a failure", Report{Results: []*Result{{Scenario: "kill"}, {Scenario: "storm", Failures: []string{"1 lost"}}}}, "storm"},
		{"doubles without the fence", Report{NoFence: true, Results: []*Result{{Scenario: "kill", Doubled: 3}}}, ""},
		{"no doubles without the fence", Report{NoFence: true, Results: []*Result{{Scenario: "kill"}}}, "proves nothing"},
		{"a loss without the fence", Report{NoFence: true, Results: []*Result{{Scenario: "kill", Doubled: 3, Failures: []string{"1 lost"}}}}, "kill"},
	} {
		err := c.report.Sound()
		if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestReportPrints(t *testing.T) {
	t.Parallel()
	result := &Result{Scenario: "kill", Jobs: 20, Rescue: rescueOf([]time.Duration{2 * time.Second, time.Second, 4 * time.Second})}
	result.within(3*time.Second, p99)
	var table bytes.Buffer
	if err := (&Report{Results: []*Result{result, {Scenario: "clock", Skipped: "no compiler"}}}).Print(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2.00/4.00/4.00 s of 3", "FAILED: rescue took 4.00 s, more than 3s", "not run: no compiler"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, table.String())
		}
	}
}

// TestRescueTimes: the rescue ends with the start of the attempt after the lost one.
func TestRescueTimes(t *testing.T) {
	t.Parallel()
	j := newJournal()
	at := time.Now()
	for i, worker := range []string{"a", "b", "c"} {
		j.note(true, event{job: 7, attempt: i + 1, worker: worker, at: at.Add(time.Duration(i) * time.Second)})
	}
	j.note(false, event{job: 7, attempt: 3, worker: "c"})
	if got, ok := j.started(7, 2); !ok || !got.Equal(at.Add(time.Second)) {
		t.Errorf("started again at %s, %t", got, ok)
	}
	if _, ok := j.started(7, 4); ok {
		t.Error("there was no fourth attempt")
	}
	if j.busy("a") != 1 || j.busy("c") != 0 || j.worked("c") != 1 || j.twice() != 1 {
		t.Error("miscounted")
	}
}
