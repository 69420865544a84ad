package pglocal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	startLimit = 2 * time.Minute      // for a start with crash recovery, or for a stop
	pollEvery  = 5 * time.Millisecond // Postgres reports only in its pid file that it is ready
)

// ready waits until the server accepts connections, and creates its database if it is missing. gone returns an error if
// there is no longer a server to wait for.
func (s *Server) ready(ctx context.Context, gone func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit,
		fmt.Errorf("the Postgres in %s was not ready within %v: see postgres.log there", s.cfg.Dir, startLimit))
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := gone(); err != nil {
			return err
		}
		if file, err := readPIDFile(s.path("data")); err == nil && file.status == "ready" {
			s.pid, s.port = file.pid, file.port
			if err := s.readPassword(); err != nil {
				return err
			}
			err := s.ensureDatabase(ctx)
			if err == nil {
				return nil
			}
			// Class 57 means starting up or shutting down. After a network error the server was killed, and some of its
			// children still run. Any other error is final.
			if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && !strings.HasPrefix(pgErr.Code, "57") {
				return fmt.Errorf("connect to the Postgres in %s: %w", s.cfg.Dir, err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ensureDatabase connects, and creates the database if the start that made the cluster did not get that far.
func (s *Server) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.url(roleName))
	if err == nil {
		return conn.Close(ctx)
	}
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); !ok || pgErr.Code != "3D000" { // invalid_catalog_name: no such database
		return err
	}
	if conn, err = pgx.Connect(ctx, s.url("postgres")); err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "create database "+roleName)
	return err
}
