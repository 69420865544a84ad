package plan

import "math"

// staff returns the smallest number of slots with which a job waits longer than wait seconds with a probability of at most rare,
// where busy slots are needed on average and run times have this mean (in seconds). The spread is the sum of two squared coefficients of variation:
// of the run times and of the arrivals, which is 1 if they are independent of each other. It is Erlang C with the factor of Allen and
// Cunneen.
func staff(busy, mean, spread, wait, rare float64) float64 {
	if busy <= 0 {
		return 0
	}
	blocked := 1.0 // Erlang B, by its recursion
	for k := 1.0; ; k++ {
		blocked = busy * blocked / (k + busy*blocked)
		if k <= busy {
			continue
		}
		waits := blocked / (1 - busy/k*(1-blocked))
		if waits*math.Exp(-2*(k-busy)*wait/(spread*mean)) <= rare || k > busy+1000 {
			return k
		}
	}
}
