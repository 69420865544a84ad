package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Visit is one kind of request of an open load. Its share of all requests is its weight's share of all weights.
type Visit struct {
	Route  string
	Weight int
	Do     func(ctx context.Context, n int) error // makes the n-th request of this kind, counted from 0
}

// Arrival is a request that is scheduled.
type Arrival struct {
	At    time.Duration // after the beginning
	Visit int           // its place among the visits
	N     int           // its number among those of the visit
}

// Schedule plans the arrivals of a load: at random times with a mean rate, and each kind of visit as often as its weight says. The
// same arguments give the same plan.
func Schedule(visits []Visit, perSecond float64, during time.Duration) []Arrival {
	rng := rand.New(rand.NewPCG(7, 7))
	var plan []Arrival
	total := 0
	for _, v := range visits {
		total += v.Weight
	}
	due, count := make([]int, len(visits)), make([]int, len(visits))
	for at := 0.0; ; {
		at += rng.ExpFloat64() / perSecond
		if at >= during.Seconds() {
			return plan
		}
		next := 0
		for i, v := range visits {
			if due[i] += v.Weight; due[i] > due[next] {
				next = i
			}
		}
		due[next] -= total
		plan = append(plan, Arrival{time.Duration(at * float64(time.Second)), next, count[next]})
		count[next]++
	}
}

// Reply is the result of an arrival.
type Reply struct {
	Arrival
	Took time.Duration // from the scheduled time, so that waiting for a stalled server counts
	Err  error
}

// mostOpen is the number of requests without an answer at which further ones are not sent.
const mostOpen = 4000

// errTooManyOpen is the error of a request that is not sent.
var errTooManyOpen = errors.New("not sent, because too many earlier requests had no answer yet")

// Offer makes the requests of a plan at their times, whether or not earlier ones have been answered, and returns their answers in
// the order of the plan. It ends when the last one is answered. If ctx ends, the rest of the plan is left out.
func Offer(ctx context.Context, visits []Visit, plan []Arrival) []Reply {
	answers := make([]Reply, len(plan))
	var open atomic.Int64
	var wait sync.WaitGroup
	began := time.Now()
	for i, a := range plan {
		if sleepUntil(ctx, began.Add(a.At)) != nil {
			answers = answers[:i]
			break
		}
		answers[i].Arrival = a
		if open.Load() >= mostOpen {
			answers[i].Err = errTooManyOpen
			continue
		}
		open.Add(1)
		wait.Go(func() {
			defer open.Add(-1)
			answers[i].Err = visits[a.Visit].Do(ctx, a.N)
			answers[i].Took = time.Since(began.Add(a.At))
		})
	}
	wait.Wait()
	return answers
}
