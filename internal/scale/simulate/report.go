package simulate

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/backlist/backlist/internal/bench"
)

// Print writes a table for each load.
func Print(w io.Writer, loads [][]Summary, abouts []string) error {
	for i, summaries := range loads {
		fmt.Fprintf(w, "%s: %s; %d jobs\n", summaries[0].Load, abouts[i], summaries[0].Jobs)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(table, "\twithin target\tp99 wait\tdyno-hours\tx work\tkilled\tchanges/h\t")
		for _, s := range summaries {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", s.Policy, s.Within.text(3, 100, " %"), s.P99.text(1, 1, " s"),
				s.DynoHours.text(1, 1, ""), s.Multiple.text(2, 1, ""), s.Killed.text(0, 1, ""), s.Changes.text(1, 1, ""))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w, verdict(summaries))
	}
	return nil
}

// text formats a median, and the range if there is one.
func (s Spread) text(digits int, times float64, unit string) string {
	f := func(v float64) string { return fmt.Sprintf("%.*f", digits, v*times) }
	if f(s.Least) == f(s.Most) {
		return f(s.Median) + unit
	}
	return fmt.Sprintf("%s%s (%s-%s)", f(s.Median), unit, f(s.Least), f(s.Most))
}

// verdict compares the planner with the cheapest rival that keeps what it keeps.
func verdict(summaries []Summary) string {
	ours, rival := Rival(summaries)
	if len(summaries) < 3 {
		return ""
	}
	if rival == nil {
		return fmt.Sprintf("No other policy kept %.3f %% within the target without killing a job.\n", 100*ours.Within.Median)
	}
	return fmt.Sprintf("The cheapest other policy with that share and no killed job is %s: the planner takes %.1f %% fewer dyno-hours.\n",
		rival.Policy, 100*(1-ours.DynoHours.Median/rival.DynoHours.Median))
}

// colors are those of the plotted policies.
var colors = []string{"#1b7f5c", "#b4542c", "#3e5fa8", "#8a3f8f", "#7a7a7a"}

// Plot writes the workers, the ready jobs and the longest waits of policies over the time of a load, as SVG.
func Plot(w io.Writer, l *Load, results []Result) error {
	workers := bench.Chart{Title: "workers", Step: 60}
	ready := bench.Chart{Title: "ready jobs", Step: 60}
	waits := bench.Chart{Title: "longest wait", Unit: "s", Step: 60}
	for i, r := range results {
		color := colors[i%len(colors)]
		curve := func(value func(Point) float64) bench.Curve {
			c := bench.Curve{Name: r.Policy, Color: color}
			for _, p := range r.Points {
				c.Values = append(c.Values, value(p))
			}
			return c
		}
		workers.Curves = append(workers.Curves, curve(func(p Point) float64 { return float64(p.Workers) }))
		ready.Curves = append(ready.Curves, curve(func(p Point) float64 { return float64(p.Ready) }))
		waits.Curves = append(waits.Curves, curve(func(p Point) float64 { return p.Wait }))
	}
	return bench.WritePlot(w, fmt.Sprintf("%s: %s", l.Name, l.About), []bench.Chart{workers, ready, waits})
}
