package drill

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/backlist/backlist/internal/bench"
)

// Result is the result of one scenario.
type Result struct {
	Scenario     string   `json:"scenario"`
	Injected     string   `json:"injected"`     // the fault, and how it was injected
	Jobs         int      `json:"jobs"`         // that were enqueued
	Acknowledged int      `json:"acknowledged"` // requests answered with 2xx, or jobs enqueued by the drill itself
	Refused      int      `json:"refused"`      // requests that failed
	Lost         int      `json:"lost"`         // acknowledged, but without an effect
	Doubled      int      `json:"doubled"`      // more than one effect
	Unended      int      `json:"unended"`      // jobs that have not ended
	Spent        int      `json:"spent"`        // attempts that ended with an error and count for max_attempts
	Discarded    int      `json:"discarded"`
	Rescued      int      `json:"rescued"` // attempts rescued from workers that were declared dead
	Woken        int      `json:"woken"`   // live workers that found that they had been declared dead
	Rescue       *Rescue  `json:"rescue,omitempty"`
	Alone        *Rescue  `json:"rescue_alone,omitempty"` // of jobs that had lost a worker before, and run isolated
	Notes        []string `json:"notes,omitempty"`
	Failures     []string `json:"failures,omitempty"`
	Skipped      string   `json:"skipped,omitempty"` // why nothing was injected
	Seconds      float64  `json:"seconds"`

	mu sync.Mutex // guards Failures until the scenario is over
}

// Rescue is the time from a fault to the start of each of its jobs elsewhere, in seconds.
type Rescue struct {
	Jobs int     `json:"jobs"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

func rescueOf(times []time.Duration) *Rescue {
	if len(times) == 0 {
		return nil
	}
	slices.Sort(times)
	at := func(p float64) float64 { return bench.Percentile(times, p).Round(time.Millisecond).Seconds() }
	return &Rescue{Jobs: len(times), P50: at(0.5), P99: at(0.99), Max: at(1)}
}

func (r *Result) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Failures = append(r.Failures, fmt.Sprintf(format, args...))
}

func (r *Result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// merge adds the result of another stage of the same scenario, with the slower of the two rescues.
func (r *Result) merge(o *Result) {
	r.Jobs, r.Acknowledged, r.Refused = r.Jobs+o.Jobs, r.Acknowledged+o.Acknowledged, r.Refused+o.Refused
	r.Lost, r.Doubled, r.Unended = r.Lost+o.Lost, r.Doubled+o.Doubled, r.Unended+o.Unended
	r.Spent, r.Discarded, r.Rescued, r.Woken = r.Spent+o.Spent, r.Discarded+o.Discarded, r.Rescued+o.Rescued, r.Woken+o.Woken
	if r.Rescue == nil || o.Rescue != nil && o.Rescue.P99 > r.Rescue.P99 {
		r.Rescue = o.Rescue
	}
	if r.Alone == nil || o.Alone != nil && o.Alone.P99 > r.Alone.P99 {
		r.Alone = o.Alone
	}
	r.Notes, r.Failures = append(r.Notes, o.Notes...), append(r.Failures, o.Failures...)
}

// within fails the scenario if a figure of Rescue is above limit.
func (r *Result) within(limit time.Duration, figure func(*Rescue) float64) {
	if r.Rescue == nil {
		r.fail("no job was rescued, so nothing was measured")
		return
	}
	if got := figure(r.Rescue); got > limit.Seconds() {
		r.fail("rescue took %.2f s, more than %s", got, limit)
	}
}

func p99(r *Rescue) float64 { return r.P99 }

func slowest(r *Rescue) float64 { return r.Max }

// Verdict returns "ok", or what is wrong.
func (r *Result) Verdict() string {
	switch {
	case r.Skipped != "":
		return "not run: " + r.Skipped
	case len(r.Failures) == 0:
		return "ok"
	}
	return "FAILED: " + strings.Join(r.Failures, "; ")
}

// Report is a whole drill.
type Report struct {
	NoFence bool      `json:"no_fence"`
	Results []*Result `json:"results"`
}

// Sound returns an error if anything was lost, doubled or otherwise wrong. Without the fence, doubled effects are
// required instead: they prove that the drill can detect them.
func (r *Report) Sound() error {
	var doubled int
	var failed []string
	for _, result := range r.Results {
		doubled += result.Doubled
		if len(result.Failures) > 0 {
			failed = append(failed, result.Scenario)
		}
	}
	switch {
	case r.NoFence && doubled == 0:
		return errors.New("nothing was doubled without the fence: the drill proves nothing")
	case len(failed) > 0:
		return fmt.Errorf("the drill failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// JSON writes the report as JSON.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Print writes the report as a table.
func (r *Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "scenario\tjobs\tacknowledged\trefused\tlost\tdoubled\tspent\tdiscarded\trescued\trescue p50/p99/max\ttook\tverdict")
	for _, x := range r.Results {
		rescue := "–"
		if x.Rescue != nil {
			rescue = fmt.Sprintf("%.2f/%.2f/%.2f s of %d", x.Rescue.P50, x.Rescue.P99, x.Rescue.Max, x.Rescue.Jobs)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%.0f s\t%s\n", x.Scenario, x.Jobs, x.Acknowledged, x.Refused,
			x.Lost, x.Doubled, x.Spent, x.Discarded, x.Rescued, rescue, x.Seconds, x.Verdict())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nInjected faults:")
	for _, x := range r.Results {
		fmt.Fprintf(w, "  %s: %s\n", x.Scenario, x.Injected)
		if a := x.Alone; a != nil {
			fmt.Fprintf(w, "    jobs that lost a second worker, and run isolated: %.2f/%.2f/%.2f s of %d\n", a.P50, a.P99, a.Max, a.Jobs)
		}
		for _, note := range x.Notes {
			fmt.Fprintf(w, "    %s\n", note)
		}
	}
	return nil
}
