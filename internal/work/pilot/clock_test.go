package pilot

import (
	"testing"
	"time"
)

func TestByTheServersClock(t *testing.T) {
	t.Parallel()
	due := time.Now().Add(5 * time.Second)
	for _, apart := range []time.Duration{-7 * time.Minute, 0, 7 * time.Minute} {
		times := []*time.Time{nil, new(due)}
		begin := time.Now()
		byTheServersClock(times, time.Now().Add(apart))
		if times[0] != nil {
			t.Error("a time came out of nowhere")
		}
		if off := times[1].Sub(due.Add(apart)).Abs(); off > time.Since(begin) {
			t.Errorf("server off by %s: due %s wrong", apart, off)
		}
	}
}
