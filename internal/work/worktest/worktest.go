// Package worktest runs workers in tests.
package worktest

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/work"
)

// Start starts a worker and returns once it takes jobs. stop stops it as SIGTERM does, waits for it, and fails the test if the
// worker returns an error; the end of the test calls stop too.
func Start(t testing.TB, pool *pgxpool.Pool, o work.Options) (w *work.Worker, stop func()) {
	t.Helper()
	w, err := work.NewWorker(pool, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- w.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("the worker ended before it was ready: %v", err)
	}
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return w, stop
}
