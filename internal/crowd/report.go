package crowd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/backlist/backlist/internal/bench"
)

// Report is the result of a measurement.
type Report struct {
	Machine         bench.Machine  `json:"machine"`
	Pool            int            `json:"pool"`   // connections of each contender
	RTT             float64        `json:"rtt_ms"` // added to every round trip to the database
	DistinctReaders int            `json:"distinct_readers"`
	Cells           []bench.Cell   `json:"cells"`
	Wait            bench.Spread   `json:"wait_ms"` // from a rating to a list that includes it on the page
	WaitP99         float64        `json:"wait_p99_ms"`
	Waits           int            `json:"waits"`
	Memory          bench.Memory   `json:"memory"` // of the web process with the job
	SignIns         int            `json:"sign_ins"`
	SignInP50       float64        `json:"sign_in_p50_ms"`
	Mails           int            `json:"mails"`
	JobShare        bench.Spread   `json:"throughput_with_job_to_without"`
	Pages           []PageTime     `json:"pages"`
	Targets         []bench.Target `json:"targets"`

	watched   bench.Memory
	mailDelay time.Duration
}

// judge compares the measurements with the targets. It compares figures of different contenders round by round.
func (r *Report) judge() {
	figure := func(contender string, connections int, of func(bench.Cell) float64) []float64 {
		return bench.Figure(r.Cells, contender, connections, of)
	}
	var pages []float64
	for _, p := range r.Pages {
		pages = append(pages, p.P50)
	}
	p50 := func(c bench.Cell) float64 { return c.P50 }
	p99 := func(c bench.Cell) float64 { return c.P99 }
	perSecond := func(c bench.Cell) float64 { return c.PerSecond }
	ratio := func(a, b float64) float64 { return a / b }
	more := func(a, b float64) float64 { return a - b }
	r.JobShare = bench.Between(figure(WithJob, manyConnections, perSecond), figure(NoJob, manyConnections, perSecond), ratio)
	r.Targets = []bench.Target{
		// A rating is two round trips, a page at most three.
		{Name: "with job, 1 connection: p50", Unit: "ms", Limit: 2 + 2*r.RTT, Value: bench.SpreadOf(figure(WithJob, fewConnections, p50))},
		{Name: "with job, 1 connection: p99", Unit: "ms", Limit: 10 + 2*r.RTT, Value: bench.SpreadOf(figure(WithJob, fewConnections, p99))},
		{
			Name: "what the job adds, 1 connection: p50", Unit: "ms", Limit: 0.3,
			Value: bench.Between(figure(WithJob, fewConnections, p50), figure(NoJob, fewConnections, p50), more),
		},
		{Name: "with job, 32 connections: requests/s to no job", Unit: "x", Limit: 0.75, AtLeast: true, Value: r.JobShare},
		{
			Name: "with job, 32 connections: requests/s to SQL alone", Unit: "x", Limit: 0.5, AtLeast: true,
			Value: bench.Between(figure(WithJob, manyConnections, perSecond), figure(SQLAlone, manyConnections, perSecond), ratio),
		},
		{Name: "with job, 32 connections: p99", Unit: "ms", Limit: 50, Value: bench.SpreadOf(figure(WithJob, manyConnections, p99))},
		{
			Name: "memory of the web process, peak", Unit: "MiB", Limit: 64,
			Value: bench.SpreadOf([]float64{r.Memory.Peak}),
		},
		{Name: "the slowest page that readers read, 1 connection: p50", Unit: "ms", Limit: 3 + 3*r.RTT, Value: bench.SpreadOf([]float64{slices.Max(pages)})},
		{Name: "rating to a list on the page that includes it: p50", Unit: "ms", Limit: 300, Value: r.Wait},
	}
}

// Sound returns an error if the figures are worthless, because requests failed or jobs are missing.
func (r *Report) Sound() error {
	var errs []error
	inlineMails := 0
	for _, c := range r.Cells {
		if c.Errors > 0 {
			errs = append(errs, fmt.Errorf("%s, round %d, %d connections: %d requests failed, the first: %s", c.Contender, c.Round,
				c.Connections, c.Errors, c.FirstError))
		}
		if want := c.JobsEach * c.Requests; c.Jobs != want {
			errs = append(errs, fmt.Errorf("%s, round %d, %d connections: %d jobs where %d requests enqueue %d", c.Contender,
				c.Round, c.Connections, c.Jobs, c.Requests, want))
		}
		if c.Contender == Inlined {
			inlineMails += c.Requests
		}
	}
	if r.Mails < inlineMails {
		errs = append(errs, fmt.Errorf("%d mails were sent for %d inline requests", r.Mails, inlineMails))
	}
	return errors.Join(errs...)
}

// Print writes the report as text.
func (r *Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s\npools of %d connections; %d different readers rated; %g ms added to each round trip to the database\n\n", r.Machine, r.Pool,
		r.DistinctReaders, r.RTT)
	if err := bench.PrintCells(w, r.Cells); err != nil {
		return err
	}
	fmt.Fprintf(w, `
Medians of the rounds, in brackets minimum and maximum. Jobs: of recommend_reader, counted in the table.
SQL alone: the statements of "with job" sent by pgx, without a web server. Inline: the workers' functions in the request,
with a mail server that takes %s.

rating to page: p99 %.0f ms of %d; sign-ins: %d, p50 %.0f ms, eight at once beside 32 connections
web process: %.0f MiB at the end, %.0f MiB at its peak

`, r.mailDelay, r.WaitP99, r.Waits, r.SignIns, r.SignInP50, r.Memory.Now, r.Memory.Peak)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "page, 1 connection\tp50 ms\tp99 ms\t")
	for _, p := range r.Pages {
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t\n", p.Path, p.P50, p.P99)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return bench.PrintTargets(w, r.Targets)
}
