package bench

import (
	"math"
	"slices"
	"time"
)

// Percentile returns the smallest of the sorted times that at least the share p (0 to 1) of them does not exceed, or 0
// if there are none.
func Percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Milliseconds returns d in milliseconds, with three decimals.
func Milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Spread summarises one figure of several rounds.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// SpreadOf summarises rounds. Without rounds all figures are 0.
func SpreadOf(rounds []float64) Spread {
	if len(rounds) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(rounds))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + sorted[middle]) / 2
	}
	return Spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// Figure returns a figure of one contender with one number of connections from all rounds, in order.
func Figure(cells []Cell, contender string, connections int, of func(Cell) float64) []float64 {
	var rounds []float64
	for _, c := range cells {
		if c.Contender == contender && c.Connections == connections {
			rounds = append(rounds, of(c))
		}
	}
	return rounds
}

// Between compares two contenders round by round, so that a disturbance of a whole round cancels out.
func Between(a, b []float64, compare func(a, b float64) float64) Spread {
	var rounds []float64
	for i := range min(len(a), len(b)) {
		rounds = append(rounds, compare(a[i], b[i]))
	}
	return SpreadOf(rounds)
}
