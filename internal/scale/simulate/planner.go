package simulate

import (
	"math"
	"slices"
	"time"

	"github.com/backlist/backlist/internal/scale/plan"
)

// planner is the planner as a policy.
type planner struct {
	target   plan.Target
	foresees bool
	state    plan.State
	calls    float64 // until when no change is asked for, after a refusal
	refusals int
	inputs   plan.Inputs
}

func newPlanner(l *Load, foresees bool) *planner {
	return &planner{target: plan.Target{MaxWait: l.MaxWait, Min: l.Min, Max: l.Max}, foresees: foresees}
}

func (p *planner) tick(w *world) float64 {
	in := p.measure(w)
	d := plan.Decide(*in, p.target, p.state)
	p.state = d.Next
	for i, x := range w.workers {
		x.draining = slices.Contains(d.Drain, i+1)
	}
	w.fetch()
	if d.Change(*in) && w.now >= p.calls {
		before := len(w.workers)
		if w.scale(d.Quantity); len(w.workers) == before { // refused: later again
			p.refusals++
			p.calls = w.now + min(5*math.Pow(2, float64(p.refusals)), 60)
		} else {
			p.refusals = 0
		}
	}
	if len(w.workers) == 0 && w.ready() > 0 {
		return 1
	}
	return 5
}

// measure returns what the loop would measure.
func (p *planner) measure(w *world) *plan.Inputs {
	in := &p.inputs
	boot := percentile90(w.boots)
	in.At, in.Boot, in.Slots = clock(w.now), boot, w.load.Slots
	in.Formation.Quantity = len(w.workers)
	in.Workers = in.Workers[:0]
	for i, x := range w.workers {
		if x.up <= w.now {
			in.Workers = append(in.Workers, plan.Worker{
				Index: i + 1, Slots: w.load.Slots, Running: len(x.running), Draining: x.draining, Drained: x.draining,
			})
		}
	}
	if boot == 0 {
		boot = 45 * time.Second
	}
	p.countDue(w, boot)
	in.Kinds = in.Kinds[:0]
	for i := range w.counts {
		k := p.kind(w, i)
		if p.foresees && w.load.Profiles != nil {
			k.Expected, k.Weight = w.load.Profiles[i].Rate(in.At, boot), w.load.Profiles[i].Weight
		}
		in.Kinds = append(in.Kinds, k)
	}
	for _, x := range w.workers {
		for _, r := range x.running {
			k := &in.Kinds[w.load.Jobs[r.job].Kind]
			k.Elapsed += time.Duration((w.now - r.from) / float64(k.Running) * float64(time.Second))
		}
	}
	if oldest := w.oldest(); oldest > 0 {
		in.Kinds[w.load.Jobs[w.queue[w.head]].Kind].Oldest = time.Duration(oldest * float64(time.Second))
	}
	return in
}

// kind returns what is measured of a kind.
func (p *planner) kind(w *world, i int) plan.Kind {
	c := &w.counts[i]
	k := plan.Kind{Name: w.load.Kinds[i].Name, Ready: c.ready, Running: c.running, Due: c.due, Arrived: float64(c.arrived)}
	c.arrived = 0
	var all moments
	for _, m := range c.minutes {
		if m.n > 0 && int(w.now/60)-m.minute < len(c.minutes) {
			all.n, all.sum, all.squares = all.n+m.n, all.sum+m.sum, all.squares+m.squares
		}
	}
	if all.n > 0 {
		mean := all.sum / float64(all.n)
		k.Runs, k.Run, k.CV2 = all.n, time.Duration(mean*float64(time.Second)), max(0, all.squares/float64(all.n)/(mean*mean)-1)
	}
	return k
}

// countDue counts the scheduled jobs that become ready within a boot time.
func (p *planner) countDue(w *world, boot time.Duration) {
	for i := range w.counts {
		w.counts[i].due = 0
	}
	for i := w.next; i < len(w.load.Jobs) && w.load.Jobs[i].At <= w.now+boot.Seconds()+5; i++ {
		if w.load.Jobs[i].Known {
			w.counts[w.load.Jobs[i].Kind].due++
		}
	}
}

// percentile90 returns the 90th percentile of boot times, 0 if there are fewer than three.
func percentile90(boots []float64) time.Duration {
	if len(boots) < 3 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(boots))
	return time.Duration(sorted[len(sorted)*9/10] * float64(time.Second))
}
