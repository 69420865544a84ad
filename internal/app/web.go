package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/bulk"
	"github.com/backlist/backlist/internal/live"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/serve"
	"github.com/backlist/backlist/internal/site"
	"github.com/backlist/backlist/internal/web"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/record"
)

// webMemory is the garbage collector's memory limit in a web process, in bytes. Each password check allocates 19 MiB for a
// moment; without a limit that garbage would pile up (measured: 60 MiB resident instead of 51).
const webMemory = 40 << 20

func runWeb(ctx context.Context, p *program, _ []string) error {
	log := newLogger(p.Stdout, p.cfg)
	if err := p.requireSecret(); err != nil {
		return err
	}
	url, release, err := p.databaseURL(ctx, log)
	if err != nil {
		return err
	}
	defer release()
	listener, err := listen("", p.cfg.Port)
	if err != nil {
		return err
	}
	p.limitMemory()
	return p.serve(ctx, log, url, listener, func() {})
}

// limitMemory sets webMemory as the limit, unless GOMEMLIMIT is set.
func (p *program) limitMemory() {
	if p.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(webMemory)
	}
}

// requireSecret returns an error if there is no key to sign links with.
func (p *program) requireSecret() error {
	if p.cfg.SecretKey == "" {
		return errors.New("SECRET_KEY is not set: web and worker need the same random text of at least 16 characters")
	}
	return nil
}

// listen listens on the port, at all addresses if host is empty. Its error says how to choose another port.
func listen(host string, port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is taken by another program; choose another: PORT=%d backlist …", port, port+1)
	}
	return listener, err
}

// serve runs the site on listener until ctx ends, and then lets requests finish. It calls ready once it serves.
func (p *program) serve(ctx context.Context, log *slog.Logger, url string, listener net.Listener, ready func()) error {
	defer listener.Close()
	pool, site, err := p.openSite(ctx, log, url)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer pool.Close()
	closeLab, err := p.openLab(ctx, log, url, pool, site)
	if err != nil {
		return err
	}
	defer closeLab()
	defer context.AfterFunc(ctx, closeLab)() // at once: a run takes a while to end
	defer relayNotices(ctx, site, pool)()
	acts := bulk.NewRunner(p.cfg.Process, log)
	stopMaintenance, err := p.maintain(ctx, log, pool, acts.Wake)
	if err != nil {
		return err
	}
	defer stopMaintenance()
	defer background(ctx, func(ctx context.Context) { acts.Run(ctx, pool) })()
	defer p.scaleWorkers(ctx, log, pool)()
	defer recordRequests(ctx, site)()
	ready()
	return serveSite(ctx, log, site, site.HTTPServer(""), pool, listener)
}

// relayNotices passes Postgres's notices on to readers' open pages until stop is called.
func relayNotices(ctx context.Context, site *web.Server, pool *pgxpool.Pool) (stop func()) {
	return background(context.WithoutCancel(ctx), func(ctx context.Context) { site.Listen(ctx, pool.Config().ConnConfig) })
}

// maintain runs maintenance (schedules, due jobs, rescues of dead workers' jobs), because no worker may be running. It calls
// bulkDue while a bulk act waits. It ends with ctx, before the last requests do; stop waits for its end.
func (p *program) maintain(ctx context.Context, log *slog.Logger, pool *pgxpool.Pool, bulkDue func()) (stop func(), err error) {
	workers, err := p.newWorkers(pool, log)
	if err != nil {
		return nil, err
	}
	options := p.workOptions(workers, log)
	options.BulkDue = bulkDue
	maintainer, err := work.NewMaintainer(pool, options)
	if err != nil {
		return nil, fmt.Errorf("job maintenance: %w", err)
	}
	return background(ctx, maintainer.Run), nil
}

// recordRequests records which requests enqueued jobs until stop is called, which writes the last of them.
func recordRequests(ctx context.Context, site *web.Server) (stop func()) {
	return background(context.WithoutCancel(ctx), site.Requests.Run)
}

// openSite connects the site to its database, whose schema must not be older than this release.
func (p *program) openSite(ctx context.Context, log *slog.Logger, url string) (*pgxpool.Pool, *web.Server, error) {
	cfg, err := postgres.Reach(ctx, log, url, p.share(p.cfg.WebPool))
	if err != nil {
		return nil, nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	site, err := p.site(pool, log)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return pool, site, nil
}

// serveSite runs the site's server until ctx ends.
func serveSite(
	ctx context.Context, log *slog.Logger, site *web.Server, server *http.Server, pool *pgxpool.Pool, listener net.Listener,
) error {
	log.InfoContext(ctx, "web is ready", "addr", listener.Addr().String(), "pool", pool.Config().MaxConns)
	s := &serve.Server{HTTP: server, Routed: !site.Dev, Stopping: func() {
		log.InfoContext(ctx, "web is stopping", "grace", serve.Grace)
		site.Stop()
	}}
	return s.Run(ctx, listener)
}

// site wires the web server.
func (p *program) site(pool *pgxpool.Pool, log *slog.Logger) (*web.Server, error) {
	jobs, err := p.newJobs(pool, log)
	if err != nil {
		return nil, fmt.Errorf("job client: %w", err)
	}
	server := &web.Server{
		DB: pool, Jobs: jobs, Requests: record.NewRequests(pool, p.workOptions(nil, log).Recording()), Hasher: reader.NewHasher(), Hub: live.NewHub(log), Log: log,
		Secret: p.cfg.SecretKey, Release: p.cfg.Release, Address: site.NewAddress(p.cfg.BaseURL), Dev: p.cfg.Dev,
		TrustProxy: p.cfg.OnHeroku, RequestTime: p.RequestTime,
		Ready: func(ctx context.Context) error { return db.Check(ctx, pool) },
	}
	server.OpenConsole(pool)
	return server, nil
}
