package plan

import "time"

// Bound is the limit that determined a decision; empty: the load did.
type Bound string

// The bounds.
const (
	BoundMin         Bound = "min"
	BoundFloor       Bound = "floor" // a scheduled minimum
	BoundMax         Bound = "max"
	BoundWorkersMax  Bound = "workers_max"
	BoundConnections Bound = "connections"
	BoundAPI         Bound = "api"    // the platform's limit
	BoundBudget      Bound = "budget" // of the month
	BoundFixed       Bound = "fixed"  // the size of the dynos allows one
)

// affordable returns how many workers the budget allows: what is left of the month's, without what the minimum will cost, must
// last for another day. So the number shrinks as the budget ends, and the minimum always remains.
func (t Target) affordable(in Inputs) int {
	if t.Budget <= 0 {
		return t.Max
	}
	now := in.At.UTC()
	month := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC).Sub(now).Hours()
	spare := t.Budget - in.Spent - float64(t.Min)*month
	return max(t.Min, t.Min+int(spare/max(min(month, 24), 1)))
}

// bounded applies the limits to a want, and says which one determined the result.
func bounded(want int, in Inputs, t Target) (int, Bound) {
	bound := Bound("")
	if want < t.Min {
		want, bound = t.Min, BoundMin
	}
	if floor := t.floor(in.At, in.boot()); want < floor {
		want, bound = floor, BoundFloor
	}
	for _, upper := range []struct {
		limit int
		bound Bound
	}{
		{t.Max, BoundMax},
		{in.Limits.Workers, BoundWorkersMax},
		{in.Limits.Connections, BoundConnections},
		{in.Limits.API, BoundAPI},
		{t.affordable(in), BoundBudget},
	} {
		known := upper.limit > 0 || upper.bound == BoundBudget
		if known && want > upper.limit {
			want, bound = upper.limit, upper.bound
		}
	}
	if in.Formation.Fixed && want > 1 {
		want, bound = 1, BoundFixed
	}
	return want, bound
}
