package crowd

import (
	"context"
	"time"

	"github.com/backlist/backlist/internal/bench"
)

// find looks for the highest rate that holds, and compares it with the same SQL without HTTP.
func (l *load) find(ctx context.Context, report *LoadReport) error {
	best, steps, err := bench.Highest(ctx, 2*l.PerMinute/60, func(ctx context.Context, perSecond float64) (bench.Step, error) {
		during := min(searchTime, l.For)
		replies, err := l.offer(ctx, perSecond, during)
		if err != nil {
			return bench.Step{}, err
		}
		all, _ := bench.Figures(l.visits, l.answered(replies), during)
		step := bench.Step{PerSecond: perSecond, P99: all.P99, Errors: all.Errors}
		step.Holds = all.Errors == 0 && all.P99 < float64(holds/time.Millisecond)
		l.Say("%.0f requests a second: p99 %.0f ms, %d errors %s", perSecond, all.P99, all.Errors, all.FirstError)
		return step, l.settle(ctx) // the next rate begins without a backlog
	})
	if err != nil {
		return err
	}
	report.Highest = &Highest{PerSecond: best, Steps: steps}
	return l.sqlAlone(ctx, report.Highest)
}
