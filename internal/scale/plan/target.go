package plan

import (
	"fmt"
	"strings"
	"time"
)

// Target is what the operator sets for a process type.
type Target struct {
	MaxWait  time.Duration `json:"max_wait"` // the longest that a job should wait for its start
	Min, Max int           // workers
	Floors   []Floor       `json:"floors,omitempty"`
	Budget   float64       `json:"budget,omitempty"` // dyno-hours a month; 0: none
}

// Floor is a minimum at certain times of certain days, in UTC. One that ends before it begins ends on the next day.
type Floor struct {
	Days  []time.Weekday `json:"days"` // on which it begins; none: every day
	From  time.Duration  `json:"from"` // since midnight
	Until time.Duration  `json:"until"`
	Min   int            `json:"min"`
}

const day = 24 * time.Hour

// Check returns what is wrong with the target, in a sentence for the operator, or an empty string. most is WORKERS_MAX, from which the
// sizes of connection pools follow; 0: not known.
func (t Target) Check(most int) string {
	switch {
	case t.MaxWait <= 0:
		return fmt.Sprintf("The longest wait must be above zero, not %s.", short(t.MaxWait))
	case t.Min < 0:
		return fmt.Sprintf("The minimum cannot be %d: it is the number of workers that always run.", t.Min)
	case t.Max < 1:
		return fmt.Sprintf("The maximum must be at least 1, not %d.", t.Max)
	case t.Min > t.Max:
		return fmt.Sprintf("The minimum of %s is above the maximum of %d.", count(t.Min, "worker"), t.Max)
	case most > 0 && t.Max > most:
		return fmt.Sprintf("The maximum of %s is above WORKERS_MAX (%d), from which connection pools are sized: raise that first.",
			count(t.Max, "worker"), most)
	case t.Budget < 0:
		return fmt.Sprintf("A budget of %.0f dyno-hours is negative; without a budget leave it empty.", t.Budget)
	case t.Budget > 0 && t.Budget < t.cheapest():
		return fmt.Sprintf("A budget of %.0f dyno-hours is below what the minimum costs: %s for a month of 31 days are %.0f.",
			t.Budget, count(t.Min, "worker"), t.cheapest())
	}
	for _, f := range t.Floors {
		if problem := f.check(t.Max); problem != "" {
			return problem
		}
	}
	return ""
}

// cheapest is what the minimum costs in the longest month, in dyno-hours.
func (t Target) cheapest() float64 { return float64(t.Min) * (31 * day).Hours() }

func (f Floor) check(most int) string {
	switch {
	case f.From < 0 || f.From >= day || f.Until < 0 || f.Until > day || f.From == f.Until:
		return "A scheduled minimum needs two different times of a day, as in 08:00 to 18:00."
	case f.Min < 1 || f.Min > most:
		return fmt.Sprintf("A scheduled minimum must be between 1 and the maximum of %d, not %d.", most, f.Min)
	}
	return ""
}

// floor returns the minimum that holds at some time between now and ahead from now, so that workers have booted when it begins.
func (t Target) floor(now time.Time, ahead time.Duration) int {
	least := 0
	for _, f := range t.Floors {
		if f.holds(now) || f.holds(now.Add(ahead)) {
			least = max(least, f.Min)
		}
	}
	return least
}

func (f Floor) holds(at time.Time) bool {
	at = at.UTC()
	since := at.Sub(at.Truncate(day))
	if f.From < f.Until {
		return f.on(at.Weekday()) && since >= f.From && since < f.Until
	}
	return f.on(at.Weekday()) && since >= f.From || f.on(at.Add(-day).Weekday()) && since < f.Until
}

func (f Floor) on(d time.Weekday) bool {
	for _, on := range f.Days {
		if on == d {
			return true
		}
	}
	return len(f.Days) == 0
}

// short formats a duration for a sentence: 21 s, 2 m 30 s.
func short(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return strings.TrimSuffix(fmt.Sprintf("%.0f min %d s", (d-30*time.Second).Minutes(), int(d.Seconds())%60), " 0 s")
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

// count formats a number and its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
