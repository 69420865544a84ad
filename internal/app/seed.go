package app

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/seed"
)

func seedCommand() command {
	var withReaders bool
	return command{
		name: "seed", short: "load the catalogue; --demo adds 200 invented readers; safe to repeat",
		flags: func(f *flag.FlagSet) { f.BoolVar(&withReaders, "demo", false, "add invented readers") },
		run: func(ctx context.Context, p *program, _ []string) error {
			return p.withPool(ctx, func(pool *pgxpool.Pool) (err error) {
				log := newLogger(p.Stdout, p.cfg)
				if withReaders {
					_, err = p.seed(ctx, pool, log, rand.Text())
				} else {
					_, err = seedCatalogue(ctx, pool, log)
				}
				return err
			})
		},
	}
}

// seed loads the catalogue and the invented readers, and returns the readers.
func (p *program) seed(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, password string) ([]demo.Reader, error) {
	if _, err := seedCatalogue(ctx, pool, log); err != nil {
		return nil, err
	}
	return p.seedReaders(ctx, pool, log, password)
}

// seedCatalogue loads the catalogue, and returns its number of books.
func seedCatalogue(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) (count int, err error) {
	books, err := catalogue.Load()
	if err != nil {
		return 0, err
	}
	var added int
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		added, err = seed.Catalogue(ctx, tx, books)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("load the catalogue: %w", err)
	}
	log.InfoContext(ctx, "catalogue loaded", "books", len(books.Books), "new", added)
	return len(books.Books), nil
}

// seedReaders loads the invented readers of a demonstration, and returns them.
func (p *program) seedReaders(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, password string) ([]demo.Reader, error) {
	books, err := catalogue.Load()
	if err != nil {
		return nil, err
	}
	readers := demo.Readers(books, demo.Default)
	hash, err := reader.NewHasher().Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	jobs, err := p.newJobs(pool, log)
	if err != nil {
		return nil, err
	}
	var added int
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		added, err = seed.Readers(ctx, tx, jobs, readers, hash)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load the invented readers: %w", err)
	}
	log.InfoContext(ctx, "invented readers loaded", "readers", len(readers), "new", added)
	return readers, nil
}
