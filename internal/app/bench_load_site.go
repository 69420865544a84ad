package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/crowd"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/work"
)

// siteVersion is part of the name of a load test's site. It changes with the content of the site.
const siteVersion = 2

// siteReady is the comment on a database with a whole site.
const siteReady = "backlist bench load: ready"

// loadSite finds or makes the site of a load test, which later runs find, and returns the name of its database. Runs measure copies.
func (p *program) loadSite(ctx context.Context, server *benchServer, size demo.Size) (name string, err error) {
	if err := server.refuseReaders(ctx); err != nil {
		return "", err
	}
	name = fmt.Sprintf("bench_load_v%d_%d_%d_%d", siteVersion, size.Books, size.Readers, size.Ratings)
	comment, err := server.commentOn(ctx, name)
	if err != nil {
		return "", err
	}
	if comment == siteReady {
		return name, migrateSite(ctx, server, name)
	}
	// What an interrupted run left has no comment.
	if err := server.exec(ctx, "drop database if exists "+name+" with (force)"); err != nil {
		return "", err
	}
	if err := server.exec(ctx, "create database "+name); err != nil {
		return "", err
	}
	p.say("making the site: %d books, %d readers, %d ratings; later runs find it", size.Books, size.Readers, size.Ratings)
	err = p.fillSite(ctx, server, name, size)
	if err == nil {
		err = server.exec(ctx, "comment on database "+name+" is '"+siteReady+"'")
	}
	if err != nil {
		return "", errors.Join(err, server.exec(ctx, "drop database "+name+" with (force)"))
	}
	return name, nil
}

// migrateSite brings a site that an older release made to this release's schema.
func migrateSite(ctx context.Context, server *benchServer, name string) error {
	url, err := server.urlOf(name)
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, url, postgres.Share{Size: 1})
	if err != nil {
		return err
	}
	defer pool.Close() // the copy is made while nothing is connected
	return db.Migrate(ctx, pool, slog.New(slog.DiscardHandler))
}

func (p *program) fillSite(ctx context.Context, server *benchServer, name string, size demo.Size) error {
	url, err := server.urlOf(name)
	if err != nil {
		return err
	}
	pool, err := postgres.Open(ctx, url, postgres.Share{Size: 4})
	if err != nil {
		return err
	}
	defer pool.Close()
	quiet := slog.New(slog.DiscardHandler)
	bar := newProgressBar(p.Stderr)
	defer bar.end()
	return crowd.Site{
		Size: size, Pool: pool, Say: p.say, Step: bar.show,
		Jobs: func(pool *pgxpool.Pool) (*work.Client, error) { return p.newJobs(pool, quiet) },
		Work: func(ctx context.Context, ready func()) error { return p.work(ctx, quiet, url, nil, ready) },
		Seed: func(ctx context.Context, pool *pgxpool.Pool) (int, error) { return seedCatalogue(ctx, pool, quiet) },
	}.Fill(ctx)
}

// commentOn returns the comment on a database, or "" if it has none or there is no such database.
func (s *benchServer) commentOn(ctx context.Context, name string) (comment string, err error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return "", fmt.Errorf("connect to the database server: %w", err)
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "select coalesce(max(shobj_description(oid, 'pg_database')), '') from pg_database where datname = $1", name).Scan(&comment)
	if err != nil {
		return "", fmt.Errorf("look for the site: %w", err)
	}
	return comment, nil
}

// errRealReaders refuses a server that serves readers.
var errRealReaders = errors.New("the database of DATABASE_URL has readers, and a load test would take its server's time and gigabytes of its disk: " +
	"unset DATABASE_URL to use a private Postgres, or name an empty database")

// refuseReaders returns an error if the database of DATABASE_URL has readers whose addresses are not invented.
func (s *benchServer) refuseReaders(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return fmt.Errorf("connect to the database server: %w", err)
	}
	defer conn.Close(ctx)
	var exists, real bool
	if err := conn.QueryRow(ctx, "select to_regclass('public.reader') is not null").Scan(&exists); err != nil || !exists {
		return err
	}
	if err := conn.QueryRow(ctx, "select exists (select from public.reader where email_key not like '%.example')").Scan(&real); err != nil {
		return err
	}
	if real {
		return errRealReaders
	}
	return nil
}
