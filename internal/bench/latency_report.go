package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// LatencyReport is the result of bench latency.
type LatencyReport struct {
	Machine Machine       `json:"machine"`
	River   string        `json:"river"`
	Cells   []LatencyCell `json:"cells"`
	Idle    float64       `json:"idle_transactions_per_second"`
	Targets []Target      `json:"targets"`
}

// NewLatencyReport compares the measurements with the targets.
func NewLatencyReport(m Machine, cells []LatencyCell, idle float64) LatencyReport {
	r := LatencyReport{Machine: m, River: riverVersion(), Cells: cells, Idle: idle}
	of := func(pattern string, figure func(LatencyCell) float64) Spread {
		return SpreadOf(latencyFigure(cells, Ours, pattern, figure))
	}
	p50 := func(c LatencyCell) float64 { return c.P50 }
	p99 := func(c LatencyCell) float64 { return c.P99 }
	most := func(c LatencyCell) float64 { return c.Max }
	const poll = 1000 // ms
	r.Targets = []Target{
		{Name: "singles: p50", Unit: "ms", Value: of(Singles, p50), Limit: 2},
		{Name: "singles: p99", Unit: "ms", Value: of(Singles, p99), Limit: 6},
		{Name: "pairs and rollbacks: p99", Unit: "ms", Value: of(Disorder, p99), Limit: 20},
		{Name: "polling only: p99", Unit: "ms", Value: of(Polling, p99), Limit: 1.1*poll + 50},
		{Name: "cancels: max", Unit: "ms", Value: of(Cancels, most), Limit: poll},
		{Name: "cancels, polling only: p99", Unit: "ms", Value: of(PollingCancels, p99), Limit: 1.1*poll + 50},
		{Name: "idle worker with one queue", Unit: "queries/s", Value: SpreadOf([]float64{idle}), Limit: 5},
	}
	return r
}

func latencyFigure(cells []LatencyCell, contender, pattern string, of func(LatencyCell) float64) (rounds []float64) {
	for _, c := range cells {
		if c.Contender == contender && c.Pattern == pattern {
			rounds = append(rounds, of(c))
		}
	}
	return rounds
}

// Print writes the report as text.
func (r LatencyReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s, River %s\nmilliseconds from the end of the commit to the start of the job, or to the end of its context if it is cancelled (0 if that was earlier);\n"+
		"for a row without a job, from the statement to the end of its commit, which a fetch takes at least; medians of the rounds, in brackets minimum and maximum\n\n", r.Machine, r.River)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tcontender\tp50\tp99\tmax\tjobs a round")
	for _, pattern := range latencyPatterns() {
		for _, contender := range latencyContenders(pattern) {
			of := func(f func(LatencyCell) float64) Spread {
				return SpreadOf(latencyFigure(r.Cells, contender, pattern, f))
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%.0f\n", pattern, contender,
				of(func(c LatencyCell) float64 { return c.P50 }), of(func(c LatencyCell) float64 { return c.P99 }),
				of(func(c LatencyCell) float64 { return c.Max }), of(func(c LatencyCell) float64 { return float64(c.Jobs) }).Median)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return PrintTargets(w, r.Targets)
}
