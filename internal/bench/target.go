package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Target is a figure and its limit.
type Target struct {
	Name    string  `json:"name"`
	Unit    string  `json:"unit"`
	Value   Spread  `json:"value"` // its median is compared with Limit
	Limit   float64 `json:"limit"`
	AtLeast bool    `json:"at_least,omitempty"` // otherwise at most
}

// Reached reports whether the median is within the limit.
func (t Target) Reached() bool {
	if t.AtLeast {
		return t.Value.Median >= t.Limit
	}
	return t.Value.Median <= t.Limit
}

// PrintTargets writes a line per target.
func PrintTargets(w io.Writer, targets []Target) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "target\tmeasured (min to max)\twanted\t")
	for _, t := range targets {
		sign, verdict := "at most", "reached"
		if t.AtLeast {
			sign = "at least"
		}
		if !t.Reached() {
			verdict = "NOT REACHED"
		}
		fmt.Fprintf(table, "%s\t%s %s\t%s %g %s\t%s\n", t.Name, t.Value, t.Unit, sign, t.Limit, t.Unit, verdict)
	}
	return table.Flush()
}

// PrintCells writes a line for each contender and number of connections, in the order in which they first appear.
func PrintCells(w io.Writer, cells []Cell) error {
	type row struct {
		contender   string
		connections int
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "contender\tconnections\tp50 ms\tp99 ms\trequests/s\trequests\tjobs\terrors")
	seen := map[row]bool{}
	for _, c := range cells {
		key := row{c.Contender, c.Connections}
		if seen[key] {
			continue
		}
		seen[key] = true
		figure := func(of func(Cell) float64) []float64 { return Figure(cells, key.contender, key.connections, of) }
		sum := func(of func(Cell) int) (sum int) {
			for _, f := range figure(func(c Cell) float64 { return float64(of(c)) }) {
				sum += int(f)
			}
			return sum
		}
		perSecond := SpreadOf(figure(func(c Cell) float64 { return c.PerSecond }))
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%.0f (%.0f to %.0f)\t%d\t%d\t%d\n", key.contender, key.connections,
			SpreadOf(figure(func(c Cell) float64 { return c.P50 })), SpreadOf(figure(func(c Cell) float64 { return c.P99 })),
			perSecond.Median, perSecond.Min, perSecond.Max,
			sum(func(c Cell) int { return c.Requests }), sum(func(c Cell) int { return c.Jobs }),
			sum(func(c Cell) int { return c.Errors }))
	}
	return table.Flush()
}

// String returns the median, and in brackets minimum and maximum if they differ.
func (s Spread) String() string {
	if s.Min == s.Max {
		return fmt.Sprintf("%.2f", s.Median)
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", s.Median, s.Min, s.Max)
}
