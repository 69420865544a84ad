package bench

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// The limits of bench console.
const (
	p95Limit    = 50.0  // ms
	p99Limit    = 150.0 // ms; also of a page with a cold cache, because such a load is one in a hundred at most
	firstLimit  = 60.0  // kB
	updateLimit = 5.0   // kB
	cpuLimit    = 5.0   // percent
)

// ConsoleReport is the result of bench console.
type ConsoleReport struct {
	Machine Machine         `json:"machine"`
	Conns   int             `json:"connections"` // of the worker
	Results []ConsoleResult `json:"results"`
	Targets []Target        `json:"targets"`
}

// NewConsoleReport compares the worst of the pages with the targets.
func NewConsoleReport(m Machine, conns int, results []ConsoleResult) ConsoleReport {
	r := ConsoleReport{Machine: m, Conns: conns, Results: results}
	for _, result := range results {
		worst := func(what, unit string, limit float64, of func(ConsolePage) float64) {
			t := Target{Name: fmt.Sprintf("%d jobs, %s", result.Size.Finished, what), Unit: unit, Limit: limit}
			page := ""
			for _, p := range result.Pages {
				if v := of(p); v > t.Value.Median {
					t.Value, page = SpreadOf([]float64{v}), ": "+p.Path
				}
			}
			t.Name += page
			r.Targets = append(r.Targets, t)
		}
		worst("p95", "ms", p95Limit, func(p ConsolePage) float64 { return p.P95 })
		worst("p99", "ms", p99Limit, func(p ConsolePage) float64 { return p.P99 })
		if result.Restarts {
			worst("cold", "ms", p99Limit, func(p ConsolePage) float64 { return p.Cold.Median })
		}
		worst("first page and assets", "kB", firstLimit, func(p ConsolePage) float64 { return float64(p.First) / 1000 })
		worst("live update", "kB", updateLimit, func(p ConsolePage) float64 { return p.Updates.Median / 1000 })
		worst("loads with a late panel", "", 0, func(p ConsolePage) float64 { return float64(p.Late) })
		worst("panels that read much in sequence", "", 0, func(p ConsolePage) float64 { return float64(p.scans()) })
		r.Targets = append(r.Targets, Target{
			Name: fmt.Sprintf("%d jobs, CPU of %d open overviews", result.Size.Finished, openPages), Unit: "%", Value: result.CPU, Limit: cpuLimit,
		})
	}
	return r
}

func (p ConsolePage) scans() (n int) {
	for _, panel := range p.Panels {
		if len(panel.Scanned) > 0 {
			n++
		}
	}
	return n
}

// verdict names the limits that the page does not keep.
func (p ConsolePage) verdict() string {
	var over []string
	for _, limit := range []struct {
		name         string
		value, limit float64
	}{
		{"p95", p.P95, p95Limit},
		{"p99", p.P99, p99Limit},
		{"cold", p.Cold.Median, p99Limit},
		{"first", float64(p.First) / 1000, firstLimit},
		{"update", p.Updates.Median / 1000, updateLimit},
		{"late panels", float64(p.Late), 0},
		{"scans", float64(p.scans()), 0},
	} {
		if limit.value > limit.limit {
			over = append(over, limit.name)
		}
	}
	if len(over) == 0 {
		return "ok"
	}
	return "OVER: " + strings.Join(over, ", ")
}

// Print writes the report as text, with the plans of the panels that are slow or read much in sequence.
func (r ConsoleReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s\n", r.Machine)
	for _, result := range r.Results {
		if err := result.print(w, r.Conns); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	if err := PrintTargets(w, r.Targets); err != nil {
		return err
	}
	for _, result := range r.Results {
		explained := map[string]bool{} // panels that ask the same on several pages
		for _, p := range result.Pages {
			for _, panel := range p.Panels {
				again := explained[panel.SQL]
				explained[panel.SQL] = true
				if again {
					continue
				}
				if panel.Took > p95Limit || len(panel.Scanned) > 0 {
					fmt.Fprintf(w, "\n%s, %s: %.1f ms, reads much in sequence: %v\n  %s\n", p.Path, panel.ID, panel.Took, panel.Scanned,
						strings.ReplaceAll(panel.Plan, "\n", "\n  "))
				}
			}
		}
	}
	return nil
}

func (r ConsoleResult) print(w io.Writer, conns int) error {
	fmt.Fprintf(w, "\n%d finished jobs, %d waiting, %d failed; ", r.Size.Finished, r.Size.Waiting, r.Size.Failed)
	if r.Peak > 0 {
		fmt.Fprintf(w, "a worker with %d connections, whose peak is %.0f jobs/s, gets half of that (%d jobs wait in the end)\n", conns, r.Peak, r.Backlog)
	} else {
		fmt.Fprint(w, "no worker runs\n")
	}
	fmt.Fprintf(w, "ms: until the page's last byte, in turn with the other pages and %s\n", r.Baseline.Path)
	if r.Restarts {
		fmt.Fprint(w, "cold: the first load after a restart of Postgres and of the web process, without a worker: Postgres's cache is empty, and each session new;\n"+
			"  the files may be in the system's cache\n")
	} else {
		fmt.Fprint(w, "cold: not measured, because the server is not this program's own\n")
	}
	fmt.Fprintf(w, "loads/s: at %d connections, without a worker; slowest panel: planning and execution of its statement, by EXPLAIN\n"+
		"kB: on the wire, packed; first: with all assets except uPlot; update: of the page's stream, with all pages open\n\n", fullSpeedConns)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "page\tp50 ms\tp95\tp99\tcold ms\tloads/s\tkB\tfirst\tupdate (max)\tslowest panel\tms\t")
	b := r.Baseline
	fmt.Fprintf(table, "%s\t%.1f\t%.1f\t%.1f\t\t%.0f\t\t\t\t\t\t\n", b.Path, b.P50, b.P95, b.P99, b.PerSecond)
	for _, p := range r.Pages {
		slowest := PanelPlan{}
		if len(p.Panels) > 0 {
			slowest = p.Panels[0]
		}
		fmt.Fprintf(table, "%s\t%.1f\t%.1f\t%.1f\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f (%.1f)\t%s\t%.1f\t%s\n", p.Path, p.P50, p.P95, p.P99, p.Cold.Median, p.PerSecond,
			float64(p.Wire)/1000, float64(p.First)/1000, p.Updates.Median/1000, p.Updates.Max/1000, slowest.ID, slowest.Took, p.verdict())
	}
	return table.Flush()
}
