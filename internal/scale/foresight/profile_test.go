package foresight_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/scale/foresight"
)

var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// arrivals returns the counts of some days' bins, at a rate with noise.
func arrivals(days int, rate func(at time.Time) float64) (counts []float64) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range days * 288 {
		mean := rate(monday.Add(time.Duration(i) * foresight.Bin))
		counts = append(counts, math.Max(0, mean+math.Sqrt(mean)*r.NormFloat64()))
	}
	return counts
}

func TestLearn(t *testing.T) {
	t.Parallel()
	hour := func(at time.Time) float64 { return float64(at.Hour()*60+at.Minute()) / 60 }
	for name, tc := range map[string]struct {
		days   int
		rate   func(time.Time) float64
		period int
		least  float64 // weight
	}{
		"a constant rate has no pattern": {14, func(time.Time) float64 { return 100 }, 0, 0},
		"a daily swing":                  {14, func(at time.Time) float64 { return 300 - 200*math.Cos(hour(at)/24*2*math.Pi) }, 288, 0.1},
		"a spike each hour":              {14, func(at time.Time) float64 { return map[bool]float64{true: 500, false: 1}[at.Minute() == 0] }, 288, 0.9},
		"one day of the week": {28, func(at time.Time) float64 {
			return map[bool]float64{true: 500, false: 5}[at.Weekday() == time.Friday && at.Hour()%2 == 0]
		}, 2016, 0.1},
		"too short a past": {1, func(at time.Time) float64 { return 300 - 200*math.Cos(hour(at)/24*2*math.Pi) }, 0, 0},
	} {
		p := foresight.Learn(foresight.Number(monday), arrivals(tc.days, tc.rate))
		if p.Period != tc.period || p.Weight < tc.least || tc.period == 0 && p.Weight != 0 {
			t.Errorf("%s: period %d, weight %.2f, saved %.2f", name, p.Period, p.Weight, p.Saved)
		}
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	p := foresight.Learn(foresight.Number(monday), arrivals(14, func(at time.Time) float64 {
		return map[bool]float64{true: 300, false: 0}[at.Hour() == 9]
	}))
	if rate := p.Rate(monday.Add(9*time.Hour+20*time.Minute), time.Minute); rate < 0.8 || rate > 1.2 {
		t.Errorf("%.2f a second within the hour", rate)
	}
	if rate := p.Rate(monday.Add(9*time.Hour-2*time.Minute), 4*time.Minute); rate < 0.3 || rate > 0.7 {
		t.Errorf("%.2f a second around its beginning", rate)
	}
	if rate := p.Rate(monday.Add(20*time.Hour), time.Minute); rate > 0.05 {
		t.Errorf("%.2f a second at night", rate)
	}
}
