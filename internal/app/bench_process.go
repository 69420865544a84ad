package app

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/crowd"
	"github.com/backlist/backlist/internal/work"
)

// benchProcess is one of the processes that bench web measures: the product's web process or a variant of it, or a worker.
// It ends with ctx, or when its standard input does, which is when the run that started it is gone.
func (p *program) benchProcess(ctx context.Context, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, p.Stdin)
		cancel()
	}()
	log := newLogger(p.Stderr, p.cfg)
	if name == crowd.Worker {
		fmt.Fprintln(p.Stdout, name)
		return p.work(ctx, log, p.cfg.DatabaseURL, nil)
	}
	p.limitMemory()
	pool, site, err := p.openSite(ctx, log, p.cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	defer keepRequests(ctx, site)()
	server := site.HTTPServer("")
	switch name {
	case crowd.WithJob:
		defer hearNotices(ctx, site, pool)() // the only one: each listener on the server costs every notice something
	case crowd.NoJob:
		site.TasteChange = func(_ context.Context, _ pgx.Tx, _ *work.Client, _ int64, change func() error) error { return change() }
	case crowd.Inlined:
		jobs, err := p.newJobs(pool, log)
		if err != nil {
			return err
		}
		deliver, err := p.deliverWorker(pool, log)
		if err != nil {
			return err
		}
		inline := crowd.NewInline(pool, jobs, deliver, log)
		site.TasteChange = inline.Note
		server.Handler = inline.Before(server.Handler)
	default:
		return fmt.Errorf("bench has no process %q", name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout, listener.Addr())
	return serveSite(ctx, log, site, server, pool, listener)
}
