package plan

import (
	"math"
	"time"
)

const (
	firstRun    = 2.0              // mean run time of a kind until it has been measured, in seconds
	fewRuns     = 5                // attempts from which a mean counts
	unevenOver  = 3600.0           // seconds over which the unevenness of arrivals is averaged
	mostExcess  = 4.0              // times the expected work, above which more does not count
	mostUneven  = 40.0             // times that of independent arrivals
	rateOver    = 60.0             // seconds over which arrivals are averaged
	rare        = 0.02             // share of jobs that may wait longer than calm of the allowed wait in a steady load
	calm        = 0.7              //
	hurry       = 0.8              // share of the allowed wait within which the jobs of a backlog should start
	firstBoot   = 45 * time.Second // boot time until it has been measured
	tolerance   = 0.05             // share of a worker that is not worth one
	leastSpread = 0.2              // bounds of a squared coefficient of variation
	mostSpread  = 6.0
)

// demand is the load, in the units of staffing.
type demand struct {
	slots float64 // of a worker
	boot  float64 // seconds
	left  float64 // seconds within which the backlog should start

	steady   float64 // slots that a steady load of jobs that run no longer than the wait needs, including rare waits
	long     float64 // slots for jobs that run longer
	busy     float64 // slots in use on average, of the short ones
	work     float64 // slot-seconds of short jobs: the backlog and what arrives during a boot
	parallel float64 // slots that would start these jobs in time
	waiting  float64 // slots that would start the backlog alone in time
	runs     float64 // mean run time of short jobs
	running  float64 // short jobs running
	present  float64 // jobs that could use a slot by the time that a new worker has booted
	any      bool    // there is work
	surge    bool    // the backlog, not the rate, determines the demand
}

// newDemand measures the demand, and updates the rates in the state.
func newDemand(in Inputs, t Target, s *State) *demand {
	d := &demand{slots: float64(in.slots()), boot: in.boot().Seconds()}
	wait := t.MaxWait.Seconds()
	_, _, _, oldest := in.load()
	d.left = max(hurry*wait-oldest.Seconds(), wait/3)
	var shorts, longs mixture
	var present float64 // slots for the long jobs that run, wait and arrive
	known := make(map[string]Known, len(in.Kinds))
	uneven := 0.0 // work of short jobs that arrived
	expected := 0.0
	for _, k := range in.Kinds {
		was := s.Kinds[k.Name]
		now := was.update(k, in.At.Sub(s.At), s.At.IsZero())
		known[k.Name] = now
		run, spread := k.runs(now)
		rate := k.foreseen(now.Rate, d.boot)
		coming := rate * d.boot
		waiting := float64(k.Ready + k.Due)
		d.present += waiting + float64(k.Running) + coming
		d.any = d.any || k.Ready+k.Due+k.Running > 0
		if run > wait {
			longs.add(rate, run, spread)
			present += float64(k.Running)*run/(run+d.boot) + (waiting+coming)*run/(run+d.left)
			continue
		}
		shorts.add(rate, run, spread)
		d.running += float64(k.Running)
		d.work += (waiting + coming) * run
		d.parallel += (waiting + coming) * run / (run + d.left)
		d.waiting += waiting * run / (run + d.left)
		uneven += k.Arrived * run
		expected += now.Rate * run
	}
	s.Kinds = known
	s.Arrivals.add(in.At, s.At, uneven, expected, t.MaxWait)
	d.busy, d.runs = shorts.busy, shorts.mean()
	spread := s.Arrivals.spread(shorts.weight())
	d.steady = staff(s.Arrivals.level(shorts.busy, spread, t.MaxWait), shorts.mean(), shorts.spread()+spread, calm*wait, rare)
	d.long = max(staff(longs.busy, longs.mean(), 1+longs.spread(), calm*wait, rare), present)
	return d
}

// workers returns how many workers the load needs if this many run now.
func (d *demand) workers(now int) int {
	// What the present slots will have done when help arrives; the running jobs occupy them for half of their run time on average.
	have := max(0, float64(now)*d.slots-d.long)
	done := have*d.boot - min(d.running, have)*min(d.runs, d.boot)/2
	short := d.steady
	d.surge = false
	if d.work > 0 && done < d.work {
		if urgent := d.busy + d.parallel*(1-max(0, done)/d.work); urgent > short {
			short, d.surge = urgent, true
		}
	}
	need := min(short+d.long, math.Ceil(d.present)) // no slot without a job
	return max(0, int(math.Ceil(need/d.slots-tolerance)))
}

// settled returns the smallest number of workers that would not call for more.
func (d *demand) settled(below int) int {
	for n := 0; n < below; n++ {
		if d.workers(n) <= n {
			return n
		}
	}
	return below
}

// update returns what is known of a kind after some time.
func (was Known) update(k Kind, passed time.Duration, first bool) Known {
	now := was
	if k.Runs >= fewRuns {
		now.Run, now.CV2 = k.Run.Seconds(), k.CV2
	}
	if !first && passed > 0 { // over a minute, or over its run time if that is longer
		weight := 1 - math.Exp(-passed.Seconds()/min(max(rateOver, now.Run), 10*rateOver))
		now.Rate += weight * (max(0, k.Arrived)/passed.Seconds() - was.Rate)
	}
	return now
}

// prompt returns the number of workers that would start the backlog in time if they took jobs now.
func (d *demand) prompt() int {
	if d.waiting == 0 {
		return 0
	}
	return int(math.Ceil(min(d.busy+d.waiting+d.long, math.Ceil(d.present))/d.slots - tolerance))
}

// runs returns the mean run time, in seconds, and its squared coefficient of variation. Until there are results, the running jobs say
// the most.
func (k Kind) runs(known Known) (mean, cv2 float64) {
	mean, cv2 = known.Run, known.CV2
	if mean == 0 {
		share := float64(k.Runs) / fewRuns
		mean, cv2 = share*k.Run.Seconds()+(1-share)*max(firstRun, 1.5*k.Elapsed.Seconds()), 1
	}
	return max(mean, 0.001), min(max(cv2, leastSpread), mostSpread)
}

// add counts the work that arrived; expected is what the rates let expect for the next second. At the end of a span it updates the variance.
func (a *Arrivals) add(at, before time.Time, work, expected float64, span time.Duration) {
	if before.IsZero() || !at.After(before) {
		return
	}
	if a.Begun.IsZero() {
		a.Begun, a.Rate = before, expected
	}
	a.Work += work
	passed := at.Sub(a.Begun)
	if passed < span {
		return
	}
	weight := 1 - math.Exp(-passed.Seconds()/unevenOver)
	a.Mean += weight * (a.Work - a.Mean)
	foreseen := a.Rate * passed.Seconds()
	excess := min(a.Work-foreseen, mostExcess*foreseen) // a load that begins is not an uneven one
	a.Variance += weight * (excess*excess - a.Variance)
	*a = Arrivals{Begun: at, Rate: expected, Mean: a.Mean, Variance: a.Variance}
}

// spread returns how much more than chance lets expect the work of a span varies: 1 if jobs arrive independently. unit is the mean work
// of a job, weighted by work.
func (a *Arrivals) spread(unit float64) float64 {
	if a.Mean*unit <= 0 {
		return 1
	}
	return min(max(a.Variance/(a.Mean*unit), 1), mostUneven)
}

// foreseen corrects a rate by what the profile expects, as far as the profile deserves it. It may raise the rate, and lower it by
// what chance explains: an unforeseen load counts in full.
func (k Kind) foreseen(rate, boot float64) float64 {
	expected := max(0, k.Expected-float64(k.Due)/boot) // what is known to come is not counted twice
	corrected := rate + min(max(k.Weight, 0), 1)*(expected-rate)
	return max(corrected, rate-2*math.Sqrt(rate/(2*rateOver)), 0)
}

// level returns the busy slots to staff for: the present ones, or between bursts the mean of the last hour, as far as arrivals are
// uneven.
func (a *Arrivals) level(busy, spread float64, span time.Duration) float64 {
	return max(busy, busy+max(0, 1-4/spread)*(a.Mean/span.Seconds()-busy))
}

// mixture sums up jobs of several kinds.
type mixture struct{ rate, busy, squares, units float64 }

func (m *mixture) add(rate, run, cv2 float64) {
	m.rate += rate
	m.busy += rate * run
	m.units += rate * run * run
	m.squares += rate * run * run * (1 + cv2)
}

func (m *mixture) mean() float64 {
	if m.rate == 0 {
		return firstRun
	}
	return m.busy / m.rate
}

// weight returns the mean of the kinds' run times, weighted by work.
func (m *mixture) weight() float64 {
	if m.busy == 0 {
		return 0
	}
	return m.units / m.busy
}

// spread returns the squared coefficient of variation of all run times.
func (m *mixture) spread() float64 {
	if m.busy == 0 {
		return 1
	}
	return min(max(m.squares*m.rate/(m.busy*m.busy)-1, leastSpread), mostSpread)
}
