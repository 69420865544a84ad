package bench

import "context"

const (
	// mostSteps bounds the steps of Highest.
	mostSteps = 12
	// closeEnough ends the search when the rate that holds and the one that does not differ by less than this share.
	closeEnough = 0.15
)

// Step is one rate that Highest has tried.
type Step struct {
	PerSecond float64 `json:"per_second"`
	P99       float64 `json:"p99_ms"`
	Errors    int     `json:"errors"`
	Holds     bool    `json:"holds"`
}

// Highest looks for the highest rate that holds: it doubles the first rate until one does not hold, and then halves the distance
// between the two. try offers a rate and says whether it held.
func Highest(ctx context.Context, first float64, try func(ctx context.Context, perSecond float64) (Step, error)) (best float64, steps []Step, err error) {
	worst := 0.0 // the lowest rate that does not hold; 0: none yet
	for rate := first; len(steps) < mostSteps; {
		step, err := try(ctx, rate)
		if err != nil {
			return best, steps, err
		}
		steps = append(steps, step)
		if step.Holds {
			best = max(best, rate)
		} else if worst == 0 || rate < worst {
			worst = rate
		}
		switch {
		case worst == 0:
			rate *= 2
		case worst-best < closeEnough*worst:
			return best, steps, nil
		default:
			rate = (best + worst) / 2
		}
	}
	return best, steps, nil
}
