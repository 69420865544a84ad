package plan_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/scale/plan"
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// target is the target of most tests.
var target = plan.Target{MaxWait: 30 * time.Second, Min: 1, Max: 10}

// inputs are those of n workers that run nothing.
func inputs(n int) plan.Inputs {
	in := plan.Inputs{At: noon, Boot: 40 * time.Second, Slots: 5, Formation: plan.Formation{Quantity: n}}
	for i := range n {
		in.Workers = append(in.Workers, plan.Worker{Index: i + 1, Slots: 5, Release: "v1"})
	}
	return in
}

// waiting adds a kind of which so many jobs wait.
func waiting(in plan.Inputs, ready int) plan.Inputs {
	in.Kinds = append(slices.Clone(in.Kinds), plan.Kind{Name: "mail", Ready: ready, Oldest: 5 * time.Second, Runs: 100, Run: 4 * time.Second, CV2: 1})
	return in
}

// random returns inputs as they may be measured.
func random(r *rand.Rand) (plan.Inputs, plan.State) {
	in := inputs(r.IntN(12))
	for i := range in.Workers {
		w := &in.Workers[i]
		w.Running, w.Draining = r.IntN(3), r.IntN(2) == 0
		w.Drained = w.Draining && r.IntN(2) == 0
	}
	if r.IntN(5) == 0 && len(in.Workers) > 0 {
		in.Workers = in.Workers[:r.IntN(len(in.Workers))]
	}
	for i := range r.IntN(4) {
		in.Kinds = append(in.Kinds, plan.Kind{
			Name: fmt.Sprint(i), Ready: r.IntN(200), Due: r.IntN(50), Running: r.IntN(20), Oldest: time.Duration(r.IntN(60)) * time.Second,
			Arrived: float64(r.IntN(50)), Runs: r.IntN(10), Run: time.Duration(r.IntN(100_000)) * time.Millisecond, CV2: 3 * r.Float64(),
			Expected: r.Float64() * 5, Weight: r.Float64(),
		})
	}
	in.Formation.Unordered, in.Failing = r.IntN(8) == 0, r.Float64()
	s := plan.State{
		At: noon.Add(-5 * time.Second), Adopted: true, Quantity: in.Formation.Quantity, Asked: in.Formation.Quantity,
		Kinds: map[string]plan.Known{"0": {Rate: 3 * r.Float64(), Run: 5}}, Peaks: []plan.Peak{{At: noon.Add(-time.Minute), Want: r.IntN(9)}},
	}
	return in, s
}

// TestProperties: for all measurements a decision keeps the bounds, is the same when asked for again, and removes only workers that
// are drained and run nothing.
func TestProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 0))
		in, s := random(r)
		tg := plan.Target{MaxWait: time.Duration(1+r.IntN(120)) * time.Second, Min: r.IntN(3), Max: 3 + r.IntN(10)}
		d := plan.Decide(in, tg, s)
		present := in.Formation.Quantity
		if d.Want > tg.Max && d.Quantity > present || d.Change(in) && (d.Quantity < tg.Min && d.Quantity < present || d.Quantity > tg.Max && d.Quantity > present) {
			t.Fatalf("seed %d: out of bounds: %+v", seed, d)
		}
		for _, w := range in.Workers {
			if removed := d.Quantity < present && (w.Index > d.Quantity || in.Formation.Unordered); removed && (w.Running > 0 || !w.Drained) {
				t.Fatalf("seed %d: %+v would be removed: %+v", seed, w, d)
			}
		}
		if d.Sentence == "" || d.Code == "" {
			t.Fatalf("seed %d: no reason: %+v", seed, d)
		}
		if again := plan.Decide(in, tg, s); !reflect.DeepEqual(d, again) {
			t.Fatalf("seed %d: another answer: %+v, %+v", seed, d, again)
		}
		if after := plan.Decide(in, tg, d.Next); after.Quantity != d.Quantity && !d.Change(in) {
			t.Fatalf("seed %d: another answer in the state that it returned: %+v, %+v", seed, d, after)
		}
		in.Age = time.Minute
		if d := plan.Decide(in, tg, s); d.Change(in) || d.Code != plan.Stale {
			t.Fatalf("seed %d: acts on old measurements: %+v", seed, d)
		}
	}
}

// TestMonotone: more waiting jobs never lead to fewer workers.
func TestMonotone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		in, s := random(rand.New(rand.NewPCG(seed, 1)))
		if len(in.Kinds) == 0 {
			continue
		}
		before := 0
		for range 20 {
			in.Kinds[0].Ready += 15
			d := plan.Decide(in, target, s)
			if d.Demand < before {
				t.Fatalf("seed %d: %d workers for %d jobs, %d for fewer", seed, d.Demand, in.Kinds[0].Ready, before)
			}
			before = d.Demand
		}
	}
}

// TestSettles: under a constant load the number of workers stays the same after a while, wherever it begins.
func TestSettles(t *testing.T) {
	t.Parallel()
	for _, ready := range []int{0, 3, 40, 300} {
		for n := 1; n <= 10; n += 3 {
			in, s := waiting(inputs(n), ready), plan.State{}
			in.Kinds[0].Running = 4
			changed := 0
			for tick := range 360 {
				in.At = noon.Add(time.Duration(tick) * 5 * time.Second)
				in.Kinds[0].Arrived = 5
				d := plan.Decide(in, target, s)
				s = d.Next
				if d.Change(in) {
					changed = tick
				}
				fresh := inputs(d.Quantity)
				for i := range fresh.Workers {
					drain := slices.Contains(d.Drain, i+1)
					fresh.Workers[i].Draining, fresh.Workers[i].Drained = drain, drain
				}
				in.Workers, in.Formation = fresh.Workers, fresh.Formation
			}
			if changed > 240 {
				t.Errorf("from %d workers with %d jobs ready: changed still after %d s", n, ready, changed*5)
			}
		}
	}
}

// TestDecide is the table of single decisions.
func TestDecide(t *testing.T) {
	t.Parallel()
	adopted := func(n int) plan.State {
		return plan.State{At: noon.Add(-5 * time.Second), BusyAt: noon.Add(-time.Hour), Adopted: true, Quantity: n, Asked: n}
	}
	for name, tc := range map[string]struct {
		in       plan.Inputs
		target   plan.Target
		state    plan.State
		code     plan.Code
		quantity int
		drain    []int
		bound    plan.Bound
		says     string
	}{
		"a backlog":           {waiting(inputs(2), 300), target, adopted(2), plan.AddedForBacklog, 7, nil, "", "2 -> 7: 300 jobs are ready, the oldest for 5 s of 30 s, and new workers take 40 s to boot."},
		"a larger one":        {waiting(inputs(2), 3000), target, adopted(2), plan.AddedForBacklog, 10, nil, plan.BoundMax, "would be needed, but this is the maximum"},
		"the connections":     {limited(waiting(inputs(2), 3000), plan.Limits{Connections: 4}), target, adopted(2), plan.AddedForBacklog, 4, nil, plan.BoundConnections, "the database's connections"},
		"the platform":        {limited(waiting(inputs(2), 3000), plan.Limits{API: 3}), target, adopted(2), plan.AddedForBacklog, 3, nil, plan.BoundAPI, "the platform allows"},
		"none needed":         {inputs(4), target, adopted(4), plan.Draining, 4, []int{3, 4}, plan.BoundMin, "1 worker is enough: workers 3, 4 take no jobs and finish what runs; then they are removed."},
		"drained":             {drained(inputs(4), 3, 4), target, adopted(4), plan.Removed, 2, []int{3, 4}, plan.BoundMin, "4 -> 2"},
		"one still runs":      {runs(drained(inputs(4), 3, 4), 3), target, adopted(4), plan.Removed, 3, []int{3, 4}, plan.BoundMin, "4 -> 3"},
		"the highest runs":    {runs(drained(inputs(4), 3, 4), 4), target, adopted(4), plan.Draining, 4, []int{3, 4}, plan.BoundMin, ""},
		"load returns":        {waiting(drained(inputs(4), 3, 4), 150), target, adopted(4), plan.Steady, 4, nil, "", ""},
		"from zero":           {waiting(inputs(0), 1), target, adopted(0), plan.AddedForBacklog, 1, nil, "", "0 -> 1"},
		"to zero":             {drained(inputs(1), 1), plan.Target{MaxWait: time.Minute, Max: 3}, adopted(1), plan.Removed, 0, []int{1}, "", "1 -> 0"},
		"by hand":             {inputs(5), target, adopted(2), plan.Manual, 5, nil, plan.BoundMin, "by hand"},
		"to zero by hand":     {inputs(0), target, adopted(2), plan.Paused, 0, nil, plan.BoundMin, "scaled to 0 by hand"},
		"a deploy":            {released(inputs(2), "v2"), target, adopted(2), plan.Mixed, 2, nil, plan.BoundMin, "different releases"},
		"a release":           {plan.Inputs{At: noon, Formation: plan.Formation{Quantity: 2, Busy: true}}, target, adopted(2), plan.Releasing, 2, nil, plan.BoundMin, ""},
		"failing jobs":        {failing(waiting(inputs(2), 300)), target, adopted(2), plan.Failing, 2, nil, "", "80 %"},
		"an unknown index":    {unknown(inputs(4)), target, adopted(4), plan.Unidentified, 4, nil, plan.BoundMin, "do not match"},
		"no order":            {unordered(runs(inputs(4), 1)), target, adopted(4), plan.Unordered, 4, nil, plan.BoundMin, "chooses"},
		"a dyno of its size":  {fixed(waiting(inputs(1), 300)), target, adopted(1), plan.Bounded, 1, nil, plan.BoundFixed, "Eco and Basic"},
		"below the minimum":   {inputs(1), plan.Target{MaxWait: time.Second, Min: 3, Max: 4}, adopted(1), plan.RaisedToMinimum, 3, nil, plan.BoundMin, "1 -> 3"},
		"a scheduled minimum": {inputs(1), plan.Target{MaxWait: time.Second, Min: 1, Max: 4, Floors: []plan.Floor{{From: 12 * time.Hour, Until: 13 * time.Hour, Min: 2}}}, adopted(1), plan.RaisedToMinimum, 2, nil, plan.BoundFloor, "scheduled"},
		"no money left":       {spent(waiting(inputs(1), 300)), plan.Target{MaxWait: time.Minute, Min: 1, Max: 9, Budget: 800}, adopted(1), plan.Bounded, 1, nil, plan.BoundBudget, "budget"},
		"a bad target":        {inputs(1), plan.Target{MaxWait: 0, Max: 1}, adopted(1), plan.InvalidTarget, 1, nil, "", "longest wait"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := plan.Decide(tc.in, tc.target, tc.state)
			if d.Code != tc.code || d.Quantity != tc.quantity || !slices.Equal(d.Drain, tc.drain) || d.Bound != tc.bound || !strings.Contains(d.Sentence, tc.says) {
				t.Errorf("%+v", d)
			}
		})
	}
}

func limited(in plan.Inputs, l plan.Limits) plan.Inputs { in.Limits = l; return in }
func failing(in plan.Inputs) plan.Inputs                { in.Failing = 0.8; return in }
func unordered(in plan.Inputs) plan.Inputs              { in.Formation.Unordered = true; return in }
func fixed(in plan.Inputs) plan.Inputs                  { in.Formation.Fixed = true; return in }
func spent(in plan.Inputs) plan.Inputs                  { in.Spent = 100; return in }
func unknown(in plan.Inputs) plan.Inputs                { in.Workers[3].Index = 0; return in }
func released(in plan.Inputs, release string) plan.Inputs {
	in.Workers[1].Release = release
	return in
}
func runs(in plan.Inputs, index int) plan.Inputs { in.Workers[index-1].Running = 1; return in }
func drained(in plan.Inputs, indexes ...int) plan.Inputs {
	for _, i := range indexes {
		in.Workers[i-1].Draining, in.Workers[i-1].Drained = true, true
	}
	return in
}

// TestTarget: a sentence for each target that cannot hold.
func TestTarget(t *testing.T) {
	t.Parallel()
	for want, bad := range map[string]plan.Target{
		"longest wait must be above zero, not 0 s":    {MaxWait: 0, Min: 1, Max: 2},
		"longest wait must be above zero, not -5 s":   {MaxWait: -5 * time.Second, Min: 1, Max: 2},
		"minimum cannot be -1":                        {MaxWait: time.Second, Min: -1, Max: 2},
		"minimum of 3 workers is above the maximum":   {MaxWait: time.Second, Min: 3, Max: 2},
		"maximum must be at least 1":                  {MaxWait: time.Second},
		"above WORKERS_MAX (4)":                       {MaxWait: time.Second, Max: 5},
		"below what the minimum costs: 2 workers":     {MaxWait: time.Second, Min: 2, Max: 3, Budget: 1000},
		"budget of -1 dyno-hours is negative":         {MaxWait: time.Second, Max: 3, Budget: -1},
		"minimum must be between 1 and the maximum":   {MaxWait: time.Second, Max: 3, Floors: []plan.Floor{{Until: time.Hour, Min: 4}}},
		"scheduled minimum needs two different times": {MaxWait: time.Second, Max: 3, Floors: []plan.Floor{{Min: 1}}},
	} {
		if got := bad.Check(4); !strings.Contains(got, want) {
			t.Errorf("%+v: %q, not %q", bad, got, want)
		}
	}
	if problem := target.Check(10); problem != "" {
		t.Error(problem)
	}
}
