package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/pglocal"
)

// benchDatabase creates an empty database for one run: on the server of DATABASE_URL or, where that is not set, on a
// private server that is as durable as a real one. drop removes it.
func (p *program) benchDatabase(ctx context.Context) (dbURL string, drop func() error, err error) {
	log := newLogger(p.Stderr, p.cfg)
	serverURL, release := p.cfg.DatabaseURL, func() error { return nil }
	if serverURL == "" {
		dir, remove := p.dataDir, false
		if dir == "" {
			if dir, err = pglocal.DefaultDir("", "bench-"+rand.Text()[:8]); err != nil {
				return "", nil, err
			}
			remove = true
		}
		server, err := pglocal.Start(ctx, pglocal.Config{Dir: dir, Shared: !remove, Log: log})
		if err != nil {
			return "", nil, err
		}
		serverURL = server.URL()
		release = func() error {
			err := server.Stop()
			if remove {
				err = errors.Join(err, os.RemoveAll(dir))
			}
			return err
		}
	}
	name := "bench_" + strings.ToLower(rand.Text()[:12])
	onServer := func(sql string) error {
		ctx := context.WithoutCancel(ctx) // an interrupted run removes its database too
		conn, err := pgx.Connect(ctx, serverURL)
		if err != nil {
			return fmt.Errorf("connect to the database server: %w", err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("bench needs a database of its own, and its role must be allowed to create it: %w", err)
		}
		return nil
	}
	if err := onServer("create database " + name); err != nil {
		return "", nil, errors.Join(err, release())
	}
	u, err := url.Parse(serverURL)
	if err != nil {
		return "", nil, errors.Join(errors.New("DATABASE_URL is not a URL"), release())
	}
	u.Path = "/" + name
	return u.String(), func() error {
		return errors.Join(onServer("drop database "+name+" with (force)"), release())
	}, nil
}
