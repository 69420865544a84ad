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

// Share says how many connections a process gets for its pools, its listener not counted.
type Share struct {
	Size       int // 0: what the server's limit leaves to each of the processes below
	WebMax     int // as in Budget
	WorkersMax int // the same
}

// Open opens a pool on a database whose server and settings must do. Its schema may be older than this release.
func Open(ctx context.Context, databaseURL string, share Share) (*pgxpool.Pool, error) {
	cfg, err := reach(ctx, databaseURL, share, func(*pgx.Conn) error { return nil })
	if err != nil {
		return nil, err
	}
	return pgxpool.NewWithConfig(ctx, cfg)
}

// fullLimit is how long a starting process waits for a connection: longer than the 30 s that a deploy's old processes
// have to end, shorter than the 60 s that Heroku gives web to serve.
const fullLimit = 45 * time.Second

// Reach makes the first connection of a web or worker process and returns how to make more: MaxConns is the process's share.
// The schema must not be older than this release. While the server has no connection left, as when more processes of a
// deploy overlap than there is room for, Reach waits: the platform would otherwise restart the process over and over.
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
		log.WarnContext(ctx, "the database has no connection left for this process yet; trying again", "wait", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// reach makes one connection, checks it, and returns how to make more of its kind.
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

// size returns how many connections it is, on the server that conn is connected to.
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
