package simulate

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
)

// Spread is the median of a figure over several seeds, and its range.
type Spread struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

func spread(values []float64) Spread {
	slices.Sort(values)
	return Spread{values[len(values)/2], values[0], values[len(values)-1]}
}

// Summary is what a policy did with a load over several seeds.
type Summary struct {
	Load      string `json:"load"`
	Policy    string `json:"policy"`
	Seeds     int    `json:"seeds"`
	Jobs      int    `json:"jobs"` // of the first seed
	Within    Spread `json:"within"`
	P99       Spread `json:"p99_wait_s"`
	DynoHours Spread `json:"dyno_hours"`
	Multiple  Spread `json:"multiple"`
	Killed    Spread `json:"killed"`
	Changes   Spread `json:"changes_an_hour"`
}

// Compare runs policies on the load of each seed, on all processors.
func Compare(ctx context.Context, load func(seed uint64) *Load, policies []Policy, seeds int) ([]Summary, error) {
	results := make([][]Result, len(policies))
	for i := range results {
		results[i] = make([]Result, seeds)
	}
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for seed := range seeds {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			l := load(uint64(seed + 1))
			for i, p := range policies {
				if ctx.Err() == nil {
					results[i][seed] = Run(l, p, uint64(seed+1), false)
				}
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var summaries []Summary
	for _, r := range results {
		summaries = append(summaries, sum(r))
	}
	return summaries, nil
}

func sum(results []Result) Summary {
	of := func(figure func(Result) float64) Spread {
		var values []float64
		for _, r := range results {
			values = append(values, figure(r))
		}
		return spread(values)
	}
	return Summary{
		Load: results[0].Load, Policy: results[0].Policy, Seeds: len(results), Jobs: results[0].Jobs,
		Within:    of(func(r Result) float64 { return r.Within }),
		P99:       of(func(r Result) float64 { return r.P99 }),
		DynoHours: of(func(r Result) float64 { return r.DynoHours }),
		Multiple:  of(func(r Result) float64 { return r.Multiple }),
		Killed:    of(func(r Result) float64 { return float64(r.Killed) }),
		Changes:   of(func(r Result) float64 { return r.Changes }),
	}
}

// Rival returns the cheapest policy of others that killed nothing with any seed and kept at least our share of waits within the
// target, among the summaries of one load.
func Rival(summaries []Summary) (ours Summary, rival *Summary) {
	ours = summaries[0]
	for i, s := range summaries {
		if i > 0 && !isOurs(s.Policy) && s.Killed.Most == 0 && s.Within.Median >= ours.Within.Median &&
			(rival == nil || cmp.Less(s.DynoHours.Median, rival.DynoHours.Median)) {
			rival = &summaries[i]
		}
	}
	return ours, rival
}

func isOurs(name string) bool {
	return slices.ContainsFunc(Policies(), func(p Policy) bool { return p.Plan && p.Name == name })
}
