// Package trace times the steps of one request or one job, and counts the queries that each of them makes and their
// round trips to the database. A context carries the trace; without one, the functions of this package cost almost nothing.
package trace

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxSteps is how many steps a trace keeps. Further steps are summed up in one more.
const maxSteps = 50

// Trace records one request or job, from Start on. It is safe for concurrent use.
type Trace struct {
	began time.Time
	root  step // queries in no step

	mu    sync.Mutex
	steps []*step // in the order of their start
	left  int     // number of further steps
	more  step    // sum of the further steps
}

// step is a part of a trace. It does not refer to its context, which may retain a lot of memory and is garbage sooner.
type step struct {
	trace *Trace
	name  string
	at    time.Duration // since the trace began
	took  time.Duration // 0 until it has ended; guarded by the trace's mu
	ended atomic.Bool

	queries atomic.Int64
	trips   atomic.Int64
	sql     atomic.Int64 // nanoseconds
	first   atomic.Int64 // of the root: start of its first query, in nanoseconds since the trace began, plus one

	// inner is the latest step that began with this step's context and has not ended. Queries with the outer context
	// count for it, because handlers continue to use their request's context.
	inner atomic.Pointer[step]
}

type stepKey struct{}

// within is the context of a step.
type within struct {
	context.Context
	step *step
}

func (w *within) Value(key any) any {
	if key == (stepKey{}) {
		return w.step
	}
	return w.Context.Value(key)
}

// Start returns a context that carries a new trace.
func Start(ctx context.Context) (context.Context, *Trace) {
	t := &Trace{began: time.Now()}
	t.root.trace = t
	return &within{ctx, &t.root}, t
}

// Step runs fn as a step of the trace that ctx carries. Steps may be nested and concurrent. A query counts for the
// innermost step of its context.
func Step(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	outer, _ := ctx.Value(stepKey{}).(*step)
	if outer == nil {
		return fn(ctx)
	}
	s, kept := outer.trace.begin(name)
	before := outer.inner.Swap(s)
	defer func() {
		s.trace.end(s, kept)
		if before != nil && before.ended.Load() {
			before = nil
		}
		outer.inner.CompareAndSwap(s, before)
	}()
	return fn(&within{ctx, s})
}

// begin returns a new step, and whether it is within maxSteps.
func (t *Trace) begin(name string) (s *step, kept bool) {
	s = &step{trace: t, name: name, at: time.Since(t.began)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if kept = len(t.steps) < maxSteps; kept {
		t.steps = append(t.steps, s)
		return s, kept
	}
	if t.left++; t.left == 1 {
		t.more.at = s.at
	}
	return s, kept
}

func (t *Trace) end(s *step, kept bool) {
	took := max(time.Since(t.began)-s.at, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	s.took = took
	s.ended.Store(true)
	if !kept {
		t.more.took += took
		t.more.queries.Add(s.queries.Load())
		t.more.trips.Add(s.trips.Load())
		t.more.sql.Add(s.sql.Load())
	}
}

// Queries returns the number of queries, in steps and outside, of the round trips in which they were sent, and their total time.
func (t *Trace) Queries() (n, trips int, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range append(slices.Clip(t.steps), &t.root, &t.more) {
		n += int(s.queries.Load())
		trips += int(s.trips.Load())
		took += time.Duration(s.sql.Load())
	}
	return n, trips, took
}

// Len returns the number of steps that Steps would return.
func (t *Trace) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.steps)
}
