package pilot

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Aside keeps the outcomes of jobs whose rows other sessions have locked, and stores them once the rows are free. River takes
// them for stored already.
type Aside struct {
	attempts *Attempts
	log      *slog.Logger
	store    func(ctx context.Context, batch *outcomes) error // adds again the outcomes whose rows are still locked

	mu      sync.Mutex
	waiting *outcomes     // nil if there are none
	added   chan struct{} // has room for one signal
}

// The wait before an outcome is retried. It doubles from the first to the last.
const (
	asideFirst = 50 * time.Millisecond
	asideLast  = time.Second
)

func newAside(attempts *Attempts, log *slog.Logger) *Aside {
	return &Aside{attempts: attempts, log: log, added: make(chan struct{}, 1)}
}

func (a *Aside) add(batch *outcomes) {
	a.attempts.setAside(batch.ID)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		a.waiting = &outcomes{Now: batch.Now, Schema: batch.Schema}
	}
	for i := range batch.ID {
		move(a.waiting, batch, i)
	}
	select {
	case a.added <- struct{}{}:
	default:
	}
}

// Waiting lists the jobs whose outcomes are not yet stored.
func (a *Aside) Waiting() []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting == nil {
		return nil
	}
	return a.waiting.ID
}

// Run stores outcomes as their rows become free, until ctx ends.
func (a *Aside) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.added:
		}
		a.Settle(ctx)
	}
}

// Settle returns when all outcomes are stored, or when ctx ends.
func (a *Aside) Settle(ctx context.Context) {
	for wait := asideFirst; ; wait = min(2*wait, asideLast) {
		if len(a.Waiting()) == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		a.try(ctx)
	}
}

// try stores the outcomes whose rows are free. The others are added again.
func (a *Aside) try(ctx context.Context) {
	a.mu.Lock()
	batch := a.waiting
	a.waiting = nil
	a.mu.Unlock()
	if batch == nil {
		return
	}
	if err := a.store(ctx, batch); err != nil {
		a.add(batch) // the next try skips those that were stored
		if ctx.Err() == nil {
			a.log.WarnContext(ctx, "outcomes of locked jobs were not stored; will retry", "jobs", len(batch.ID), "err", err)
		}
	}
}
