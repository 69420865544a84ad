package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
)

// Share is the number of connections of a process's pools, without its listener.
type Share struct {
	Size       int // 0: divide the server's limit among the processes below
	WebMax     int // as in Budget
	WorkersMax int // the same
}

// Open opens a pool on a database. It checks the server and its settings, but the schema may be older than this release.
func Open(ctx context.Context, databaseURL string, share Share) (*pgxpool.Pool, error) {
	cfg, err := reach(ctx, databaseURL, share, func(*pgx.Conn) error { return nil })
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// fullLimit is how long a starting process waits for a connection. It is longer than the 30 s in which a deploy's old
// processes end, and shorter than the 60 s after which Heroku stops a web process that does not serve.
const fullLimit = 45 * time.Second

// Reach makes the first connection of a web or worker process and returns the configuration of its pool, in which MaxConns is
// the process's share. The schema must not be older than this release. If the server has no connection left, as when more
// processes overlap in a deploy than there is room for, Reach waits, because the platform would otherwise restart the process
// repeatedly.
func Reach(ctx context.Context, log *slog.Logger, databaseURL string, share Share) (*pgxpool.Config, error) {
	began := time.Now()
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		cfg, err := reach(ctx, databaseURL, share, func(conn *pgx.Conn) error { return db.Check(ctx, conn) })
		pgErr, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || (pgErr.Code != "53300" && pgErr.Code != "57P03") { // too many connections; starting up
			return cfg, err
		}
		if time.Since(began) > fullLimit && pgErr.Code == "57P03" {
			return nil, fmt.Errorf("the database did not accept connections for %s: it is starting, or a replica that allows no reads: %w", fullLimit, err)
		} else if time.Since(began) > fullLimit {
			return nil, fmt.Errorf("the database had no connection left for %s: stop another process, or choose a plan with more: %w", fullLimit, err)
		}
		log.WarnContext(ctx, "the database has no connection left for this process yet; will retry", "wait", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// reach makes one connection, checks it, and returns the configuration of a pool.
func reach(ctx context.Context, databaseURL string, share Share, check func(conn *pgx.Conn) error) (*pgxpool.Config, error) {
	cfg, err := Config(databaseURL)
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
	if err := check(conn); err != nil {
		return nil, err
	}
	size, err := share.size(ctx, conn)
	if err != nil {
		return nil, err
	}
	cfg.ConnConfig, cfg.MaxConns = has, int32(size)
	return cfg, nil
}

// size returns the share's number of connections on conn's server.
func (s Share) size(ctx context.Context, conn *pgx.Conn) (int, error) {
	if s.Size > 0 {
		return s.Size, nil
	}
	budget, err := ReadBudget(ctx, conn, s.WebMax, s.WorkersMax)
	if err != nil {
		return 0, err
	}
	return budget.Pool()
}
