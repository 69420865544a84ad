package scale

import (
	"time"

	"github.com/backlist/backlist/internal/scale/plan"
)

// count is what one measurement counted of each kind. The difference of two says how many attempts became ready in between: those
// that are there now or have ended since.
type count struct {
	at    time.Time
	there map[string]int           // ready and running
	ended map[string]map[int64]int // by minute
	debt  map[string]int           // counted as ended before it was counted as there
}

func (r *row) count(kinds map[string]*plan.Kind) count {
	c := count{at: r.At, there: map[string]int{}, ended: map[string]map[int64]int{}, debt: map[string]int{}}
	for name, k := range kinds {
		c.there[name] = k.Ready + k.Running
	}
	for _, m := range r.Minutes {
		if c.ended[m.Kind] == nil {
			c.ended[m.Kind] = map[int64]int{}
		}
		c.ended[m.Kind][m.Minute] += m.Ended
	}
	return c
}

// since returns how many attempts of each kind became ready since the count before. The end of an attempt is recorded up to a second
// late, so a difference may be negative: it is subtracted from the next one.
func (c *count) since(before *count) map[string]float64 {
	arrived := map[string]float64{}
	for name, there := range c.there {
		n := there - before.there[name] + before.debt[name]
		for minute, ended := range c.ended[name] {
			n += ended - before.ended[name][minute]
		}
		arrived[name] = float64(max(0, n))
		c.debt[name] = min(0, n)
	}
	return arrived
}
