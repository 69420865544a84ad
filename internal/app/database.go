package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/backlist/backlist/internal/pglocal"
	"github.com/backlist/backlist/internal/postgres"
)

// databaseURL returns the URL of the database to use. Where DATABASE_URL is not set it is the private Postgres's, which is
// started unless another command runs it already; release stops it unless another command still uses it.
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

// data returns the folder of the private Postgres: --data, or else one that belongs to this checkout.
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

// share returns the connections of a process whose configuration says size; 0 derives them from the server's limit.
func (p *program) share(size int) postgres.Share {
	return postgres.Share{Size: size, WebMax: p.cfg.WebMax, WorkersMax: p.cfg.WorkersMax}
}

// unlessStopped returns err, or nil if ctx has ended: a process that is told to stop before it is ready has not failed.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
