package app

import (
	"cmp"
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
	server, err := p.openBenchServer(ctx)
	if err != nil {
		return "", nil, err
	}
	return server.database, server.drop, nil
}

// benchServer is the server of a run, with an empty database.
type benchServer struct {
	database string // its URL

	name    string          // of the database
	url     string          // of the server
	private *pglocal.Server // nil: the server of DATABASE_URL
	config  pglocal.Config  // of the private one
}

func (p *program) openBenchServer(ctx context.Context) (*benchServer, error) {
	s, err := p.startBenchServer(ctx, "")
	if err != nil {
		return nil, err
	}
	if err := s.create(ctx, ""); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// startBenchServer finds or starts the server of a run, without a database. A private server's data stay if purpose, which names
// their folder, is not empty.
func (p *program) startBenchServer(ctx context.Context, purpose string) (s *benchServer, err error) {
	s = &benchServer{url: p.cfg.DatabaseURL}
	if s.url != "" {
		return s, nil
	}
	s.config = pglocal.Config{Dir: p.dataDir, Shared: p.dataDir != "" || purpose != "", Log: newLogger(p.Stderr, p.cfg)}
	if s.config.Dir == "" {
		if s.config.Dir, err = pglocal.DefaultDir("", cmp.Or(purpose, "bench-"+rand.Text()[:8])); err != nil {
			return nil, err
		}
	}
	return s, s.start(ctx)
}

// create creates the run's database, as a copy of template unless that is empty.
func (s *benchServer) create(ctx context.Context, template string) error {
	s.name = "bench_" + strings.ToLower(rand.Text()[:12])
	sql := "create database " + s.name
	if template != "" {
		sql += " template " + template + " strategy file_copy"
	}
	if err := s.exec(ctx, sql); err != nil {
		return err
	}
	return s.find()
}

func (s *benchServer) start(ctx context.Context) (err error) {
	if s.private, err = pglocal.Start(ctx, s.config); err != nil {
		return err
	}
	s.url = s.private.URL()
	return nil
}

// find sets the database's URL, which changes with the server's.
func (s *benchServer) find() (err error) {
	s.database, err = s.urlOf(s.name)
	return err
}

// urlOf returns the URL of a database of the server.
func (s *benchServer) urlOf(name string) (string, error) {
	u, err := url.Parse(s.url)
	if err != nil {
		return "", errors.New("DATABASE_URL is not a URL")
	}
	u.Path = "/" + name
	return u.String(), nil
}

// exclusive reports whether nothing else uses the server, so that it may be restarted.
func (s *benchServer) exclusive() bool { return s.private != nil && !s.config.Shared }

func (s *benchServer) restart(ctx context.Context) error {
	if err := s.private.Stop(); err != nil {
		return err
	}
	s.config.Log = nil // it has told where the server is
	if err := s.start(ctx); err != nil {
		return err
	}
	return s.find()
}

func (s *benchServer) exec(ctx context.Context, sql string) error {
	ctx = context.WithoutCancel(ctx) // an interrupted run removes its database too
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return fmt.Errorf("connect to the database server: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("bench needs a database of its own, and its role must be allowed to create it: %w", err)
	}
	return nil
}

// drop removes the database, and the server if it is only for this run.
func (s *benchServer) drop() error {
	return errors.Join(s.exec(context.Background(), "drop database "+s.name+" with (force)"), s.stop())
}

func (s *benchServer) stop() error {
	if s.private == nil {
		return nil
	}
	err := s.private.Stop()
	if s.exclusive() {
		err = errors.Join(err, os.RemoveAll(s.config.Dir))
	}
	return err
}
