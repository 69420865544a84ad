package pilot

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Aside has the outcomes of jobs whose rows others have locked. River knows them as stored; they are as soon as the rows are free.
type Aside struct {
	attempts *Attempts
	log      *slog.Logger
	store    func(ctx context.Context, batch *outcomes) error // what is locked still it adds again

	mu      sync.Mutex
	waiting *outcomes     // nil if there are none
	added   chan struct{} // has room for one signal
}

// How long an outcome waits before it is tried again: doubling from the first to the last.
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

// Waiting lists the jobs whose outcomes are not stored.
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

// Settle stores the outcomes that there are, and ends with the last of them or with ctx.
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

// try stores what it can. The rest is added again.
func (a *Aside) try(ctx context.Context) {
	a.mu.Lock()
	batch := a.waiting
	a.waiting = nil
	a.mu.Unlock()
	if batch == nil {
		return
	}
	if err := a.store(ctx, batch); err != nil {
		a.add(batch) // those that were stored are passed over the next time
		if ctx.Err() == nil {
			a.log.WarnContext(ctx, "outcomes of locked jobs were not stored; will retry", "jobs", len(batch.ID), "err", err)
		}
	}
}
