package bench

import (
	"cmp"
	"slices"
	"time"
)

// RouteFigures are the figures of one route under an open load, or of all.
type RouteFigures struct {
	Route      string  `json:"route"`
	Requests   int     `json:"requests"`
	PerSecond  float64 `json:"per_second"`
	Mean       float64 `json:"mean_ms"`
	P50        float64 `json:"p50_ms"`
	P95        float64 `json:"p95_ms"`
	P99        float64 `json:"p99_ms"`
	Max        float64 `json:"max_ms"`
	Errors     int     `json:"errors"`
	FirstError string  `json:"first_error,omitempty"`
}

// AllRoutes is the name of the sum of all routes.
const AllRoutes = "all"

// Figures returns the figures of all answers together, and those of each visit in the order of their names. Failed requests count
// only as errors.
func Figures(visits []Visit, answers []Reply, during time.Duration) (all RouteFigures, routes []RouteFigures) {
	byVisit := make([][]Reply, len(visits))
	for _, a := range answers {
		byVisit[a.Visit] = append(byVisit[a.Visit], a)
	}
	for i, v := range visits {
		routes = append(routes, figuresOf(v.Route, byVisit[i], during))
	}
	slices.SortFunc(routes, func(a, b RouteFigures) int { return cmp.Compare(a.Route, b.Route) })
	return figuresOf(AllRoutes, answers, during), routes
}

func figuresOf(route string, answers []Reply, during time.Duration) RouteFigures {
	f := RouteFigures{Route: route, Requests: len(answers), PerSecond: float64(len(answers)) / during.Seconds()}
	var took []time.Duration
	var sum time.Duration
	for _, a := range answers {
		if a.Err != nil {
			if f.Errors++; f.Errors == 1 {
				f.FirstError = a.Err.Error()
			}
			continue
		}
		took = append(took, a.Took)
		sum += a.Took
	}
	if len(took) == 0 {
		return f
	}
	slices.Sort(took)
	at := func(p float64) float64 { return Milliseconds(Percentile(took, p)) }
	f.Mean, f.P50, f.P95, f.P99, f.Max = Milliseconds(sum/time.Duration(len(took))), at(0.5), at(0.95), at(0.99), at(1)
	return f
}

// Second is one second of a load: how it went over time.
type Second struct {
	Requests int     `json:"requests"` // that were scheduled in it
	Errors   int     `json:"errors"`
	P50      float64 `json:"p50_ms"`
	Max      float64 `json:"max_ms"`
	Backlog  int     `json:"backlog"` // jobs that were ready and waited, at its end
}

// BySecond returns the answers by the second for which they were scheduled.
func BySecond(answers []Reply, during time.Duration) []Second {
	seconds := make([]Second, int((during+time.Second-1)/time.Second))
	in := make([][]Reply, len(seconds))
	for _, a := range answers {
		if i := int(a.At / time.Second); i < len(in) {
			in[i] = append(in[i], a)
		}
	}
	for i := range seconds {
		f := figuresOf("", in[i], time.Second)
		seconds[i] = Second{Requests: f.Requests, Errors: f.Errors, P50: f.P50, Max: f.Max}
	}
	return seconds
}
