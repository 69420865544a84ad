package simulate

import (
	"math"
	"slices"
)

// Result is what a policy did with a load.
type Result struct {
	Load      string  `json:"load"`
	Policy    string  `json:"policy"`
	Jobs      int     `json:"jobs"`
	Within    float64 `json:"within"`     // share of the jobs that waited no longer than the target
	P99       float64 `json:"p99_wait_s"` // of the waits
	DynoHours float64 `json:"dyno_hours"`
	Multiple  float64 `json:"multiple"` // of the dyno-hours that the jobs' run times fill
	Killed    int     `json:"killed"`   // jobs, by removing workers
	Changes   float64 `json:"changes_an_hour"`
	Points    []Point `json:"-"` // for each minute, if asked for
}

// Point is the state at the end of a minute.
type Point struct {
	Workers, Ready, Running int
	Wait                    float64 // the longest of the minute, of the jobs that began to run
}

// Run replays a load against a policy. All policies meet the same chances.
func Run(l *Load, p Policy, seed uint64, draw bool) Result {
	w := newWorld(l, seed)
	t := p.start(l)
	minute := 60.0
	for at := 0.0; at < l.Seconds; {
		w.until(at)
		at += t.tick(w)
		for draw && w.now >= minute {
			w.result.Points = append(w.result.Points, Point{len(w.workers), w.ready(), w.running, max(w.longest, w.oldest())})
			w.longest = 0
			minute += 60
		}
	}
	w.until(l.Seconds)
	return w.end(p)
}

// end sums up. What still waits counts with its wait so far.
func (w *world) end(p Policy) Result {
	r := &w.result
	for _, x := range append(w.workers, w.leaving...) {
		w.bill(x)
	}
	for _, job := range w.queue[w.head:] {
		if !w.started[job] {
			w.waits = append(w.waits, w.now-w.load.Jobs[job].At)
		}
	}
	r.Load, r.Policy, r.Jobs = w.load.Name, p.Name, len(w.waits)
	r.Changes /= w.load.Seconds / 3600
	work := 0.0
	for _, j := range w.load.Jobs {
		work += j.Run
	}
	r.Multiple = r.DynoHours / (work / float64(w.load.Slots) / 3600)
	if len(w.waits) == 0 {
		r.Within = 1
		return *r
	}
	slices.Sort(w.waits)
	within, _ := slices.BinarySearch(w.waits, math.Nextafter(w.load.MaxWait.Seconds(), math.Inf(1)))
	r.Within = float64(within) / float64(len(w.waits))
	r.P99 = w.waits[min(len(w.waits)*99/100, len(w.waits)-1)]
	return *r
}
