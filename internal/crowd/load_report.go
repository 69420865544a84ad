package crowd

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/demo"
)

// LoadReport is the result of a load test.
type LoadReport struct {
	Machine   bench.Machine          `json:"machine"`
	Size      demo.Size              `json:"size"`
	PerMinute float64                `json:"requests_per_minute"`
	Seconds   float64                `json:"seconds"`
	Readers   int                    `json:"active_readers"`
	RTT       float64                `json:"rtt_ms"` // added to every round trip to the database
	All       bench.RouteFigures     `json:"all"`
	Search    bench.RouteFigures     `json:"search"`
	Routes    []bench.RouteFigures   `json:"routes"`
	Jobs      []bench.KindFigures    `json:"jobs"`
	Mails     int                    `json:"mails"`
	Processes []bench.ProcessFigures `json:"processes"`
	BySecond  []bench.Second         `json:"by_second"`
	Highest   *Highest               `json:"highest,omitempty"` // with --find
	Targets   []bench.Target         `json:"targets"`

	mailDelay time.Duration
}

// Highest is the highest rate that holds.
type Highest struct {
	PerSecond float64      `json:"per_second"`
	Steps     []bench.Step `json:"steps"`
	SQL       float64      `json:"sql_per_second"` // requests' worth of SQL, sent by as many connections without HTTP
	Ratio     float64      `json:"ratio"`          // of the two
	Failed    int          `json:"sql_failed"`     // statements that failed without the program around them
}

// judge compares the figures with the targets.
func (r *LoadReport) judge() {
	one := func(v float64) bench.Spread { return bench.SpreadOf([]float64{v}) }
	r.Targets = []bench.Target{
		{Name: "all requests: mean", Unit: "ms", Limit: 20, Value: one(r.All.Mean)},
		{Name: "all requests: p99", Unit: "ms", Limit: 100, Value: one(r.All.P99)},
		{Name: "search: p95", Unit: "ms", Limit: 50, Value: one(r.Search.P95)},
		{Name: "failed requests", Unit: "", Limit: 0, Value: one(float64(r.All.Errors))},
	}
}

// Sound returns an error if requests failed or jobs are not done.
func (r *LoadReport) Sound() error {
	var errs []error
	for _, route := range r.Routes {
		if route.Errors > 0 {
			errs = append(errs, fmt.Errorf("%s: %d of %d requests failed, the first: %s", route.Route, route.Errors, route.Requests, route.FirstError))
		}
	}
	for _, kind := range r.Jobs {
		if left := kind.Jobs - kind.Done; left > 0 {
			errs = append(errs, fmt.Errorf("%s: %d of %d jobs were not done %s after the last request", kind.Kind, left, kind.Jobs, settling))
		}
	}
	return errors.Join(errs...)
}

// Print writes the report as text.
func (r *LoadReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s\n%d books, %d readers, %d ratings; %.0f requests a minute for %.0f s by %d readers who take turns", r.Machine,
		r.Size.Books, r.Size.Readers, r.Size.Ratings, r.PerMinute, r.Seconds, r.Readers)
	if r.RTT > 0 {
		fmt.Fprintf(w, "; %g ms added to each round trip to the database", r.RTT)
	}
	fmt.Fprint(w, "\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "requests\t/s\tmean ms\tp50 ms\tp95 ms\tp99 ms\tmax ms\terrors\t  route")
	for _, f := range append([]bench.RouteFigures{r.All}, r.Routes...) {
		fmt.Fprintf(table, "%d\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t  %s\n", f.Requests, f.PerSecond, f.Mean, f.P50, f.P95, f.P99, f.Max, f.Errors, f.Route)
	}
	fmt.Fprintln(table, "\t\t\t\t\t\t\t\t")
	fmt.Fprintln(table, "jobs\tdone\tfailing\twait p50 ms\tp99 ms\trun p50 ms\tp99 ms\t\t  kind")
	for _, k := range r.Jobs {
		fmt.Fprintf(table, "%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t\t  %s\n", k.Jobs, k.Done, k.Failing, k.WaitP50, k.WaitP99, k.RunP50, k.RunP99, k.Kind)
	}
	fmt.Fprintln(table, "\t\t\t\t\t\t\t\t")
	fmt.Fprintln(table, "MiB\tpeak\tconnections\tCPU %\t\t\t\t\t  process")
	for _, p := range r.Processes {
		fmt.Fprintf(table, "%.0f\t%.0f\t%d\t%.1f\t\t\t\t\t  %s\n", p.Memory.Now, p.Memory.Peak, p.Connections, p.CPU, p.Name)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nAt most %d jobs were ready and waited. The mail server, which takes %s for each, got %d mails.\n"+
		"Times count from when a request was due. CPU is of one processor.\n", r.backlog(), r.mailDelay, r.Mails)
	if h := r.Highest; h != nil {
		fmt.Fprintf(w, "\nThe highest rate with a p99 below %s: %.0f requests/s (%.0f a minute).\n", holds, h.PerSecond, 60*h.PerSecond)
		for _, s := range h.Steps {
			fmt.Fprintf(w, "  %6.1f/s: p99 %7.1f ms, %d errors\n", s.PerSecond, s.P99, s.Errors)
		}
		fmt.Fprintf(w, "The same SQL without HTTP: %.0f requests' worth a second; ratio %.2f. %d of its statements failed.\n", h.SQL, h.Ratio, h.Failed)
	}
	fmt.Fprintln(w)
	return bench.PrintTargets(w, r.Targets)
}

func (r *LoadReport) backlog() (most int) {
	for _, s := range r.BySecond {
		most = max(most, s.Backlog)
	}
	return most
}

// Plot writes the load over time as an SVG image.
func (r *LoadReport) Plot(w io.Writer) error {
	curve := func(name, color string, of func(bench.Second) float64) bench.Curve {
		c := bench.Curve{Name: name, Color: color}
		for _, s := range r.BySecond {
			c.Values = append(c.Values, of(s))
		}
		return c
	}
	title := fmt.Sprintf("%.0f requests a minute, %d books, %d readers, %d ratings", r.PerMinute, r.Size.Books, r.Size.Readers, r.Size.Ratings)
	return bench.WritePlot(w, title, []bench.Chart{
		{Title: "Answer times of the requests due in each second", Unit: "ms", Curves: []bench.Curve{
			curve("longest", "#b3541e", func(s bench.Second) float64 { return s.Max }),
			curve("median", "#1f5fa8", func(s bench.Second) float64 { return s.P50 }),
		}},
		{Title: "Requests", Unit: "/s", Curves: []bench.Curve{
			curve("failed", "#c01f2e", func(s bench.Second) float64 { return float64(s.Errors) }),
			curve("due", "#1f5fa8", func(s bench.Second) float64 { return float64(s.Requests) }),
		}},
		{Title: "Jobs that were ready and waited", Curves: []bench.Curve{
			curve("waiting", "#1f5fa8", func(s bench.Second) float64 { return float64(s.Backlog) }),
		}},
	})
}
