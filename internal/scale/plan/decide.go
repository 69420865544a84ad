package plan

import (
	"slices"
	"time"
)

const (
	stale       = 15 * time.Second // measurements older than this decide nothing
	hold        = 90 * time.Second // workers are removed if none was wanted for this long
	idle        = 2 * time.Minute  // without work before the last worker goes
	respect     = 10 * time.Minute // a change by hand
	settling    = 3 * time.Minute  // workers of several releases, as during a deploy, for which nothing is added
	mostFailing = 0.5              // share of failing attempts above which more workers are no help
	shrinkEvery = time.Minute      // between removals, each of half of the workers at most
)

// Decision says how many workers should run, what to do now, and why.
type Decision struct {
	At       time.Time `json:"at"`
	Code     Code      `json:"code"`
	Want     int       `json:"want"`            // workers that the load and the limits call for
	Demand   int       `json:"demand"`          // workers that the load alone calls for
	Bound    Bound     `json:"bound,omitempty"` // which limit made the difference
	Quantity int       `json:"quantity"`        // what the formation should be set to: the present one if nothing is to be changed
	Drain    []int     `json:"drain,omitempty"` // the workers that should take no jobs, by index; all others should
	Figures  Figures   `json:"figures"`
	Sentence string    `json:"sentence"`
	Next     State     `json:"-"`
}

// Change reports whether the formation should be changed.
func (d *Decision) Change(in Inputs) bool { return d.Quantity != in.Formation.Quantity }

// Decide returns the decision for what was measured. The same arguments give the same result, and so does the state that it returns.
func Decide(in Inputs, t Target, s State) Decision {
	d := Decision{At: in.At, Quantity: in.Formation.Quantity, Drain: draining(in), Next: s}
	d.Figures = figures(in, t)
	switch problem := t.Check(0); {
	case problem != "":
		return d.say(InvalidTarget, problem)
	case in.Age > stale:
		return d.say(Stale, "")
	}
	if in.Slots == 0 && len(in.Workers) == 0 {
		in.Slots = s.Slots
	}
	s.Slots = in.slots()
	load := newDemand(in, t, &s)
	present := in.Formation.Quantity
	s.adopt(in)
	d.Demand = load.workers(present)
	surge := load.surge
	if load.any {
		s.BusyAt = in.At
		d.Demand = max(d.Demand, 1)
	} else if s.BusyAt.IsZero() {
		s.BusyAt = in.At
	}
	lazily := max(d.Demand, load.settled(max(d.Demand, present)), min(load.prompt(), present))
	if lazily == 0 && in.At.Sub(s.BusyAt) < idle && present > 0 {
		lazily = 1
	}
	d.Want, d.Bound = bounded(d.Demand, in, t)
	lazily, lazyBound := bounded(lazily, in, t)
	keep, _ := bounded(s.remember(in.At, lazily, hold), in, t)
	d.Figures.Keep = keep
	s.At = in.At
	blocked := blocked(in, &s)
	switch {
	case blocked != "":
		d.Drain = nil
		d.say(blocked, "")
	case d.Want > present:
		d.grow(in, &s, surge)
	case keep < present:
		d.Want, d.Bound = keep, lazyBound
		d.shrink(in, &s, keep)
	default:
		d.Drain, d.Want = nil, max(d.Want, min(lazily, present))
		d.say(steady(d.Bound), "")
	}
	d.Next = s
	return d
}

// draining returns the indexes of the workers that take no jobs.
func draining(in Inputs) (indexes []int) {
	for _, w := range in.Workers {
		if w.Draining {
			indexes = append(indexes, w.Index)
		}
	}
	slices.Sort(indexes)
	return indexes
}

// adopt compares the formation with what was asked for, and notices a change by hand.
func (s *State) adopt(in Inputs) {
	found := in.Formation.Quantity
	switch {
	case !s.Adopted || found == s.Asked:
		s.Adopted, s.Quantity, s.Asked = true, found, found
	case found != s.Quantity: // not that the platform has not done what it was asked for
		s.Manual, s.Paused = in.At.Add(respect), found == 0
		s.Quantity, s.Asked, s.Peaks = found, found, nil
	}
	if found > 0 {
		s.Paused = false
	}
}

// blocked returns why nothing may be changed, or an empty code.
func blocked(in Inputs, s *State) Code {
	releases := map[string]bool{}
	for _, w := range in.Workers {
		releases[w.Release] = true
	}
	mixed := since(&s.Mixed, len(releases) > 1, in.At)
	missing := since(&s.Short, len(in.Workers) < in.Formation.Quantity, in.At)
	if in.At.Sub(s.AskedAt) < missing {
		missing = in.At.Sub(s.AskedAt) // workers ordered since then may still boot
	}
	switch {
	case s.Paused:
		return Paused
	case in.At.Before(s.Manual):
		return Manual
	case in.Formation.Busy:
		return Releasing
	case len(releases) > 1 && mixed < settling:
		return Mixed
	case missing > 2*in.boot():
		return Crashing
	}
	return ""
}

// grow orders workers at once, and lets all present ones work.
func (d *Decision) grow(in Inputs, s *State, surge bool) {
	d.Drain = nil
	if in.Failing > mostFailing {
		d.say(Failing, "")
		return
	}
	d.Quantity = d.Want
	d.order(in, s)
	if surge {
		s.GrownAt = in.At
	}
	switch {
	case d.Bound == BoundMin || d.Bound == BoundFloor:
		d.say(RaisedToMinimum, "")
	case surge && d.Figures.Ready == 0 && d.Figures.Due > 0:
		d.say(AddedForDue, "")
	case surge:
		d.say(AddedForBacklog, "")
	default:
		d.say(AddedForRate, "")
	}
}

// order records that the platform is asked for the quantity.
func (d *Decision) order(in Inputs, s *State) {
	s.Asked, s.AskedAt = d.Quantity, in.At
}

// shrink drains the workers above keep, and removes those at the top that have acknowledged it and run nothing.
func (d *Decision) shrink(in Inputs, s *State, keep int) {
	present := in.Formation.Quantity
	floor := (present + 1) / 2 // at most half of them at a time
	if keep == 0 && present == 1 {
		floor = 0
	}
	keep = max(keep, floor)
	d.Drain = nil
	switch {
	case !s.GrownAt.IsZero() && in.At.Sub(s.GrownAt) < 2*in.boot():
		d.say(Grown, "")
		return
	case s.Mixed.After(time.Time{}):
		d.say(Mixed, "")
		return
	case !identified(in):
		d.say(Unidentified, "")
		return
	case in.Formation.Unordered:
		d.shrinkUnordered(in, s, keep)
		return
	}
	for _, w := range in.Workers {
		if w.Index > keep {
			d.Drain = append(d.Drain, w.Index)
		}
	}
	slices.Sort(d.Drain)
	if free := top(in, keep); free > 0 && in.At.Sub(s.ShrunkAt) >= shrinkEvery {
		d.Quantity = present - free
		s.ShrunkAt = in.At
		d.order(in, s)
		d.say(Removed, "")
		return
	}
	d.say(Draining, "")
}

// identified reports whether there is exactly one worker for each index of the formation.
func identified(in Inputs) bool {
	seen := map[int]bool{}
	for _, w := range in.Workers {
		if !in.Formation.Unordered && (w.Index < 1 || w.Index > in.Formation.Quantity || seen[w.Index]) {
			return false
		}
		seen[w.Index] = true
	}
	return len(in.Workers) == in.Formation.Quantity
}

// top returns how many of the highest-numbered workers are drained, run nothing and are above keep.
func top(in Inputs, keep int) (free int) {
	idle := map[int]bool{}
	for _, w := range in.Workers {
		idle[w.Index] = w.Draining && w.Drained && w.Running == 0
	}
	for n := in.Formation.Quantity; n > keep && idle[n]; n-- {
		free++
	}
	return free
}

// shrinkUnordered removes workers where the platform chooses which: all are drained first, while there is nothing to do.
func (d *Decision) shrinkUnordered(in Inputs, s *State, keep int) {
	drained, running := true, 0
	for _, w := range in.Workers {
		running += w.Running
	}
	if running > 0 || d.Figures.Ready > 0 {
		d.say(Unordered, "")
		return
	}
	for _, w := range in.Workers {
		d.Drain = append(d.Drain, w.Index)
		drained = drained && w.Draining && w.Drained && w.Running == 0
	}
	if drained && in.At.Sub(s.ShrunkAt) >= shrinkEvery {
		d.Quantity, d.Drain = keep, nil
		s.ShrunkAt = in.At
		d.order(in, s)
		d.say(Removed, "")
		return
	}
	d.say(Draining, "")
}
