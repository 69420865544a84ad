package trace

import (
	"fmt"
	"slices"
	"time"
)

// StepTimes is a step's measurements. The database stores it as JSON.
type StepTimes struct {
	Name    string  `json:"name"`
	AtMS    float64 `json:"at_ms"` // since the trace began
	MS      float64 `json:"ms"`    // includes the steps within it
	Queries int     `json:"queries"`
	Trips   int     `json:"trips"` // round trips to the database; a batch of queries is one
	SQLMS   float64 `json:"sql_ms"`
}

// Outside is the step of the queries that are in no other step; its time is theirs only.
const Outside = "outside of steps"

// Steps returns the steps in the order of their start. A step that has not ended lasts until now. The result is empty
// if there were neither steps nor queries.
func (t *Trace) Steps() []StepTimes {
	now := time.Since(t.began)
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []StepTimes
	for _, s := range t.steps {
		took := s.took
		if took == 0 {
			took = now - s.at
		}
		list = append(list, s.times(s.name, s.at, took))
	}
	if n := t.root.queries.Load(); n > 0 {
		at := time.Duration(t.root.first.Load() - 1)
		i, _ := slices.BinarySearchFunc(t.steps, at, func(s *step, at time.Duration) int { return int(s.at - at) })
		list = slices.Insert(list, i, t.root.times(Outside, at, time.Duration(t.root.sql.Load())))
	}
	if t.left > 0 {
		list = append(list, t.more.times(fmt.Sprintf("%d more steps", t.left), t.more.at, t.more.took))
	}
	return list
}

func (s *step) times(name string, at, took time.Duration) StepTimes {
	return StepTimes{
		Name: name, AtMS: ms(at), MS: ms(took), Queries: int(s.queries.Load()), Trips: int(s.trips.Load()),
		SQLMS: ms(time.Duration(s.sql.Load())),
	}
}

// ms returns d in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
