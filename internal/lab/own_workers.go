package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// ownWorkers are the workers that a run has started in this process. They take queue OwnQueue, one job at a time each.
type ownWorkers struct {
	*Run
	running sync.WaitGroup
	mu      sync.Mutex
	failed  error
}

// start starts one more worker, and returns once it takes jobs. The worker ends with ctx.
func (w *ownWorkers) start(ctx context.Context) error {
	ready, ended := make(chan struct{}), make(chan error, 1)
	w.running.Go(func() {
		err := w.Work(ctx, 1, sync.OnceFunc(func() { close(ready) }))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.failed = errors.Join(w.failed, err)
		ended <- err
	})
	select {
	case <-ready:
		return nil
	case err := <-ended:
		return notStarted(err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wait waits until all have ended, and returns their errors.
func (w *ownWorkers) wait() error {
	w.running.Wait()
	return w.failed
}

// notStarted says why a worker could not be started.
func notStarted(err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == "53300" { // too many connections
		return Problem("A worker could not be started: the database has no free connection for it. An experiment’s worker needs three.")
	}
	return fmt.Errorf("%w: %w", Problem("A worker could not be started. The log of the web process says why."), err)
}
