package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/pglocal"
	"github.com/backlist/backlist/internal/trace"
)

// databaseURL returns the database to use. Where DATABASE_URL is not set that is the private Postgres, which is started
// unless another command has it running; release lets go of it.
func (p *program) databaseURL(ctx context.Context, log *slog.Logger) (url string, release func() error, err error) {
	if p.cfg.DatabaseURL != "" {
		return p.cfg.DatabaseURL, func() error { return nil }, nil
	}
	dir, err := p.data()
	if err != nil {
		return "", nil, err
	}
	server, err := pglocal.Start(ctx, pglocal.Config{Dir: dir, Shared: true, Log: log})
	if err != nil {
		return "", nil, err
	}
	return server.URL(), server.Stop, nil
}

// data is the folder of the private Postgres: --data, else one that belongs to this checkout.
func (p *program) data() (string, error) {
	if p.dataDir != "" {
		return filepath.Abs(p.dataDir)
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; d != filepath.Dir(d); d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			dir = d
			break
		}
	}
	return pglocal.DefaultDir(dir, "dev")
}

// connections is how a process shares the server's limit.
type connections struct {
	limit int // of the server, or of our role if that is lower
	pool  int // for each process, its listener not counted
}

// A deploy has two generations of processes, each a web and two workers; two connections are for a person and the release
// phase.
const (
	generations      = 2
	workersPlanned   = 2
	spareConnections = 2
)

// connectionsOf reads the limit and divides it: two generations of a deploy, each of one web and two worker processes,
// each with a pool and one listener, and two to spare for a person and the release phase. 20 connections give pools of
// 2; a big server is not emptied: more than 16 a process brings nothing.
func connectionsOf(ctx context.Context, conn *pgx.Conn) (connections, error) {
	var c connections
	err := conn.QueryRow(ctx, `
		select least(
			current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
			(select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user))`).Scan(&c.limit)
	if err != nil {
		return c, fmt.Errorf("read the server's connection limit: %w", err)
	}
	c.pool = min((c.limit-spareConnections)/generations/(1+workersPlanned)-1, 16)
	if c.pool < 2 {
		return c, fmt.Errorf("the database allows %d connections; Backlist needs at least 20 "+
			"(a web and two worker processes, twice during a deploy)", c.limit)
	}
	return c, nil
}

// connectTimeout bounds a connection attempt; the system's own limit is minutes.
const connectTimeout = 5 * time.Second

func poolConfig(url string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		// pgx's own sentence repeats the URL, and its cause does not; where there is no cause the sentence is all there is.
		if cause := errors.Unwrap(err); cause != nil {
			return nil, fmt.Errorf("DATABASE_URL has a setting that cannot be used: %w", cause)
		}
		return nil, errors.New("DATABASE_URL has a setting that cannot be used")
	}
	cfg.ConnConfig.RuntimeParams["application_name"] = "backlist"
	cfg.ConnConfig.Tracer = trace.Queries{} // does nothing where a context carries no trace, as River's own
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	return cfg, nil
}

// throughPooler has pgx keep no prepared statements on the server, for the next transaction may get another connection.
func throughPooler(databaseURL string) (string, error) {
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", errors.New("DATABASE_URL is no URL") // the cause may quote the password
	}
	q := u.Query()
	if !q.Has("default_query_exec_mode") {
		q.Set("default_query_exec_mode", "cache_describe")
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// refusedSettings reports whether a pool of ours does without the settings that we rely on, since a pooler refused them that the
// URL does not mention.
func refusedSettings(url string, pool *pgxpool.Pool) bool {
	asked, err := poolConfig(url)
	return err == nil && asked.ConnConfig.DefaultQueryExecMode != pool.Config().ConnConfig.DefaultQueryExecMode
}

// reach makes the first connection to a database, whose server and settings must do, and returns how to make more of them. The
// size of a pool is the configured number of connections, or what the server's limit allows if configured is 0.
func reach(ctx context.Context, url string, configured int) (*pgxpool.Config, error) {
	cfg, err := poolConfig(url)
	if err != nil {
		return nil, err
	}
	conn, has, err := db.Connect(ctx, cfg.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := db.CheckServer(ctx, conn); err != nil {
		return nil, err
	}
	if err := db.CheckSettings(ctx, conn); err != nil {
		return nil, err
	}
	cfg.ConnConfig = has
	size := configured
	if size == 0 {
		budget, err := connectionsOf(ctx, conn)
		if err != nil {
			return nil, err
		}
		size = budget.pool
	}
	cfg.MaxConns = int32(size)
	return cfg, nil
}

// open connects a pool of the size that is configured, or follows from the server's limit if configured is 0.
func open(ctx context.Context, url string, configured int) (*pgxpool.Pool, error) {
	return openShare(ctx, url, configured, func(size int) int { return size })
}

// openShare is open for a process with more than one pool: share says how many of its connections this one gets.
func openShare(ctx context.Context, url string, configured int, share func(size int) int) (*pgxpool.Pool, error) {
	cfg, err := reach(ctx, url, configured)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = int32(share(int(cfg.MaxConns)))
	return pgxpool.NewWithConfig(ctx, cfg)
}

// fullLimit is how long a starting process waits for a connection: longer than the 30 s that a deploy's old processes
// have to end, shorter than the 60 s that Heroku gives web to serve.
const fullLimit = 45 * time.Second

// openChecked is openShare on a database whose schema is not older than this release. While the server has no connection
// left, as when more processes of a deploy overlap than there is room for, it waits rather than have the platform start
// us over and over.
func openChecked(
	ctx context.Context, log *slog.Logger, url string, configured int, share func(size int) int,
) (*pgxpool.Pool, error) {
	began := time.Now()
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		pool, err := openShare(ctx, url, configured, share)
		if err == nil {
			if err = db.Check(ctx, pool); err == nil {
				return pool, nil
			}
			pool.Close()
		}
		pgErr, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || (pgErr.Code != "53300" && pgErr.Code != "57P03") { // too many connections; starting up
			return nil, err
		}
		if time.Since(began) > fullLimit && pgErr.Code == "57P03" {
			return nil, fmt.Errorf("the database did not accept connections for %s: it is starting, or a replica that allows no reads: %w", fullLimit, err)
		} else if time.Since(began) > fullLimit {
			return nil, fmt.Errorf("the database had no connection left for %s: stop another process, or choose a plan with more: %w", fullLimit, err)
		}
		log.WarnContext(ctx, "the database has no connection left for this process yet; trying again", "wait", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// unlessStopped is err, but for one that a process gets because it was told to stop before it was ready: that is no
// failure.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
