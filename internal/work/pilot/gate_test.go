package pilot

import (
	"context"
	"errors"
	"testing"

	"github.com/riverqueue/river/rivertype"
)

// TestGateTellsAttemptsApart: attempts of one job are told apart, even with the same number, as after a snooze.
func TestGateTellsAttemptsApart(t *testing.T) {
	t.Parallel()
	a := newAttempts("me")
	g := newGate(a, func(string) {})
	first, second := &rivertype.JobRow{ID: 7, Attempt: 1}, &rivertype.JobRow{ID: 7, Attempt: 1}
	if !a.take(first) || a.take(second) {
		t.Fatal("only the first can be taken")
	}
	g.endedJob(first)
	if a.take(second) {
		t.Fatal("taken before the outcome of the first is stored")
	}
	a.written([]int64{7})
	if !a.take(second) {
		t.Fatal("not taken after it")
	}
	ctx, cancel := a.Watch(t.Context(), second)
	defer cancel(nil)
	g.endedJob(first) // River may report it after the outcome is stored
	boom := errors.New("boom")
	a.Cancel(boom)
	if !errors.Is(context.Cause(ctx), boom) {
		t.Error("the end of the first was taken for that of the second")
	}
	if ids, _ := a.Held(); len(ids) != 1 {
		t.Errorf("%v are held", ids)
	}
}

// TestGateEndsWhatBeginsLate: a job that was fetched before this process was declared dead and begins after that ends at once.
func TestGateEndsWhatBeginsLate(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, arrive := range map[string]func(g *Gate, job *rivertype.JobRow){
		"fetched before": func(g *Gate, job *rivertype.JobRow) { g.attempts.take(job); g.SetDead(boom) },
		"fetched after":  func(g *Gate, job *rivertype.JobRow) { g.SetDead(boom); g.attempts.take(job) },
		"lost":           func(g *Gate, job *rivertype.JobRow) { g.attempts.take(job); g.attempts.Cancel(boom) },
	} {
		a := newAttempts("me")
		g := newGate(a, func(string) {})
		job := &rivertype.JobRow{ID: 7, Attempt: 1}
		arrive(g, job)
		ctx, cancel := a.Watch(t.Context(), job)
		defer cancel(nil)
		if !errors.Is(context.Cause(ctx), boom) {
			t.Errorf("%s: it goes on", name)
		}
	}
}
