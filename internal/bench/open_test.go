package bench

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestSchedule: requests come at about the rate, in order, and in the shares of their weights.
func TestSchedule(t *testing.T) {
	t.Parallel()
	visits := []Visit{{Route: "often", Weight: 9}, {Route: "seldom", Weight: 1}, {Route: "middling", Weight: 5}}
	plan := Schedule(visits, 100, 30*time.Second)
	if len(plan) < 2700 || len(plan) > 3300 {
		t.Errorf("%d requests, want about 3000", len(plan))
	}
	counts := make([]int, len(visits))
	for i, a := range plan {
		if a.N != counts[a.Visit] || i > 0 && a.At < plan[i-1].At {
			t.Fatalf("request %d: %+v", i, a)
		}
		counts[a.Visit]++
	}
	for i, v := range visits {
		if want := len(plan) * v.Weight / 15; counts[i] < want-1 || counts[i] > want+1 {
			t.Errorf("%s: %d requests, want %d", v.Route, counts[i], want)
		}
	}
}

// TestOfferCountsFromTheSchedule: requests are sent although earlier ones have no answer, and waiting counts.
func TestOfferCountsFromTheSchedule(t *testing.T) {
	t.Parallel()
	stall, sent := make(chan struct{}), make(chan struct{}, 3)
	failure := errors.New("failed on purpose")
	visits := []Visit{{Route: "stalls", Weight: 1, Do: func(_ context.Context, n int) error {
		sent <- struct{}{}
		<-stall
		if n == 2 {
			return failure
		}
		return nil
	}}}
	go func() {
		for range 3 {
			<-sent
		}
		close(stall)
	}()
	const gap = 20 * time.Millisecond
	replies := Offer(t.Context(), visits, []Arrival{{At: 0, N: 0}, {At: gap, N: 1}, {At: 2 * gap, N: 2}})
	if len(replies) != 3 || replies[0].Took < 2*gap || replies[1].Took < gap {
		t.Errorf("%+v", replies)
	}
	all, routes := Figures(visits, replies, time.Second)
	if all.Requests != 3 || all.Errors != 1 || all.FirstError != failure.Error() || all.Max < all.P50 || len(routes) != 1 || routes[0].Requests != 3 {
		t.Errorf("%+v, %+v", all, routes)
	}
}

// TestHighest: the search ends near the highest rate that holds.
func TestHighest(t *testing.T) {
	t.Parallel()
	for _, limit := range []float64{3, 20, 137, 900} {
		best, steps, err := Highest(t.Context(), 20, func(_ context.Context, rate float64) (Step, error) {
			return Step{PerSecond: rate, Holds: rate <= limit}, nil
		})
		if err != nil || best > limit || best < 0.8*limit {
			t.Errorf("limit %v: %v after %d steps, %v", limit, best, len(steps), err)
		}
	}
}

// TestWritePlot: a plot has a line for each curve, within its area, and its texts are escaped.
func TestWritePlot(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	err := WritePlot(&b, "a < b", []Chart{{Title: "one", Unit: "ms", Curves: []Curve{{Name: "c", Color: "#000", Values: []float64{0, 7, 3}}}}, {Title: "empty"}})
	if err != nil || !strings.Contains(b.String(), "a &lt; b") || !strings.Contains(b.String(), "M70.0 240.0L510.0 82.5L950.0 172.5") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
