package simulate

import "math"

// oldestAge scales by the age of the oldest ready job, looked at every 10 s.
type oldestAge struct {
	up         float64 // share of the allowed wait above which it adds
	step       int
	wait, down float64 // seconds between additions; seconds of calm before a removal
	guard      bool    // it removes nothing while a job runs
	addedAt    float64
	calmSince  float64
}

func (a *oldestAge) tick(w *world) float64 {
	oldest, allowed := w.oldest(), w.load.MaxWait.Seconds()
	if oldest > min(allowed, 5)*a.up {
		a.calmSince = w.now
	}
	switch n := len(w.workers); {
	case oldest > allowed*a.up && (w.now-a.addedAt >= a.wait || n == 0):
		if n < w.load.Max {
			a.addedAt = w.now
			w.scale(min(n+a.step, w.load.Max))
		}
	case w.now-a.calmSince >= a.down && n > w.load.Min && (!a.guard || w.running == 0):
		a.calmSince = w.now
		w.scale(n - 1)
	}
	return 10
}

// checkup looks at the latency once a minute.
type checkup struct{}

func (checkup) tick(w *world) float64 {
	switch n := len(w.workers); {
	case w.oldest() > w.load.MaxWait.Seconds() || n == 0 && w.ready() > 0:
		w.scale(min(n+1, w.load.Max))
	case w.ready() == 0:
		w.scale(max(n-1, w.load.Min))
	}
	return 60
}

// depthOrAge scales by the number of ready jobs and the age of the oldest.
type depthOrAge struct{ changedAt float64 }

func (d *depthOrAge) tick(w *world) float64 {
	n, depth, oldest := len(w.workers), w.ready(), w.oldest()
	rested := w.now-d.changedAt >= 120
	switch {
	case n == 0 && depth >= 1 && oldest >= 1, rested && (depth >= 100 || oldest >= 300) && n < w.load.Max:
		d.changedAt = w.now
		w.scale(n + 1)
	case rested && depth <= 10 && oldest <= 30 && n > max(w.load.Min, 1):
		d.changedAt = w.now
		w.scale(n - 1)
	}
	return 10
}

// depthHPA scales by a number that a query returns, here of ready and running jobs, as an autoscaler of pods does: every 15 s, within
// a tolerance, at most doubling or 4 more, and down to the most of the last five minutes.
type depthHPA struct {
	target float64
	wanted []int // the last five minutes' desires
}

func (h *depthHPA) tick(w *world) float64 {
	n := len(w.workers)
	depth := float64(w.ready() + w.running)
	desired := int(math.Ceil(depth / h.target))
	if n > 0 && math.Abs(depth/h.target/float64(n)-1) <= 0.1 {
		desired = n
	}
	desired = min(max(desired, w.load.Min), w.load.Max, n+max(n, 4))
	if h.wanted = append(h.wanted, desired); len(h.wanted) > 20 {
		h.wanted = h.wanted[1:]
	}
	if desired < n {
		for _, wanted := range h.wanted {
			desired = max(desired, min(wanted, n))
		}
	}
	w.scale(desired)
	return 15
}
