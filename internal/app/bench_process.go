package app

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/backlist/backlist/internal/crowd"
	"github.com/backlist/backlist/internal/formation"
)

// benchProcess runs one of the processes that bench web measures: a worker, the product's web process or a variant of it.
// It ends with ctx or at the end of its standard input.
func (p *program) benchProcess(ctx context.Context, name string) error {
	ctx, cancel := formation.Attached(ctx, p.Stdin)
	defer cancel()
	log := newLogger(p.Stderr, p.cfg)
	if name == crowd.Worker {
		fmt.Fprintln(p.Stdout, name)
		return p.work(ctx, log, p.cfg.DatabaseURL, nil, nil)
	}
	p.limitMemory()
	pool, site, err := p.openSite(ctx, log, p.cfg.DatabaseURL)
	if err != nil {
		return err
	}
	defer pool.Close()
	defer recordRequests(ctx, site)()
	server := site.HTTPServer("")
	switch name {
	case crowd.WithJob:
		defer relayNotices(ctx, site, pool)() // by one process only, because each listener adds to the cost of every notice
	case crowd.NoJob:
		site.TasteChange = crowd.ChangeAlone
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

// errInterrupted ends a benchmark that was told to stop.
var errInterrupted = errors.New("interrupted before it finished")
