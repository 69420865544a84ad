// Package foresight learns when jobs of a kind usually arrive, by the time of the day or of the week, and how far that would have been
// right in the past: only that far does the planner count on it.
package foresight

import "time"

// Bin is the length of time that a profile distinguishes.
const Bin = 5 * time.Minute

const (
	daily  = int(24 * time.Hour / Bin)
	weekly = 7 * daily
	reach  = 6    // bins before and after one that are averaged with it, where that forecasts better
	worth  = 0.05 // least share of the error that a profile must save
)

// Profile is what is known of a kind's arrivals.
type Profile struct {
	Period int       `json:"period"` // in bins: of a day or a week; 0: no pattern was found
	Counts []float64 `json:"counts"` // mean arrivals in each bin, from Monday 00:00 UTC or 00:00 UTC
	Weight float64   `json:"weight"` // from 0 to 1: how far the profile would have been right
	Saved  float64   `json:"saved"`  // share of the squared error that it would have saved, compared with a forecast without it
}

// Rate returns the expected arrivals a second over a time from at on.
func (p Profile) Rate(at time.Time, over time.Duration) float64 {
	if p.Period == 0 || over <= 0 {
		return 0
	}
	sum := 0.0
	for from, end := at, at.Add(over); from.Before(end); {
		n := Number(from)
		until := origin.Add(time.Duration(n+1) * Bin)
		if until.After(end) {
			until = end
		}
		sum += p.Counts[n%p.Period] * until.Sub(from).Seconds()
		from = until
	}
	return sum / Bin.Seconds() / over.Seconds()
}

// origin is a Monday, at which weeks begin.
var origin = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

// Number returns the number of the bin that a time is in.
func Number(at time.Time) int { return int(at.Sub(origin) / Bin) }

// Learn returns the profile of a kind from its arrivals in consecutive bins, the first of which has this number. Each bin of the past
// is forecast from earlier ones alone, once with and once without the profile. A profile that would have saved less than a twentieth of
// the error is no pattern: its weight is 0.
func Learn(first int, arrivals []float64) Profile {
	best := Profile{}
	for _, period := range []int{daily, weekly} {
		for _, reach := range []int{reach, 0} {
			if p := learn(first, arrivals, period, reach); p.Saved > best.Saved+0.02 {
				best = p
			}
		}
	}
	return best
}

// learn learns a profile of one period, and tests it on all periods after the first one. Each of its bins is a mean of some around it.
func learn(first int, arrivals []float64, period, reach int) Profile {
	if len(arrivals) < 2*period {
		return Profile{}
	}
	var flat, profiled fit
	sums, total := make([]float64, period), 0.0
	for i, actual := range arrivals {
		if i >= period {
			now := arrivals[i-1]
			flat.add(now, total/float64(i), actual)
			profiled.add(now, expected(sums, first+i, float64(i/period), reach), actual)
		}
		if i%period == period-1 { // a period is complete: later ones are forecast with it
			for j := i - period + 1; j <= i; j++ {
				sums[(first+j)%period] += arrivals[j]
			}
		}
		total += actual
	}
	counts := make([]float64, period)
	for bin := range counts {
		counts[bin] = expected(sums, bin, float64(len(arrivals)/period), reach)
	}
	p := Profile{Period: period, Counts: counts, Weight: profiled.weight()}
	if without := flat.remaining(); without > 0 {
		p.Saved = 1 - profiled.remaining()/without
	}
	if p.Saved < worth {
		return Profile{}
	}
	return p
}

// expected returns the mean of some bins around one, over a number of periods.
func expected(sums []float64, bin int, periods float64, reach int) float64 {
	sum := 0.0
	for d := -reach; d <= reach; d++ {
		sum += sums[(bin+d+len(sums))%len(sums)]
	}
	return sum / float64(2*reach+1) / periods
}

// fit finds the weight with which a guess corrects the present count best.
type fit struct{ errors, cross, squares float64 }

func (f *fit) add(now, guess, actual float64) {
	f.errors += (actual - now) * (actual - now)
	f.cross += (actual - now) * (guess - now)
	f.squares += (guess - now) * (guess - now)
}

func (f *fit) weight() float64 {
	if f.squares == 0 {
		return 0
	}
	return min(max(f.cross/f.squares, 0), 1)
}

// remaining returns the squared error of the corrected forecasts.
func (f *fit) remaining() float64 {
	w := f.weight()
	return f.errors - 2*w*f.cross + w*w*f.squares
}
