package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/book"
	"github.com/backlist/backlist/internal/catalogue"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/recommend"
)

// demoReaders is how many readers are invented: co-occurrence beats popularity from about 30 on, and 200 cover the
// whole catalogue.
const demoReaders = 200

func runSeed(ctx context.Context, p *program, _ []string) error {
	return p.withPool(ctx, func(pool *pgxpool.Pool) error {
		log := newLogger(p.Stdout, p.cfg)
		if !p.demo {
			return seedCatalogue(ctx, pool, log)
		}
		_, err := p.seed(ctx, pool, log, rand.Text())
		return err
	})
}

func seedCatalogue(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	books, err := catalogue.Load()
	if err != nil {
		return err
	}
	var added int
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		added, err = book.LoadCatalogue(ctx, tx, books)
		return err
	})
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	log.InfoContext(ctx, "the catalogue is loaded", "books", len(books.Books), "new", added)
	return nil
}

// seed loads the catalogue and the invented readers, and has workers find out what resembles what. It returns the
// readers. Repeating it adds nothing.
func (p *program) seed(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger, password string) ([]demo.Reader, error) {
	if err := seedCatalogue(ctx, pool, log); err != nil {
		return nil, err
	}
	books, err := catalogue.Load()
	if err != nil {
		return nil, err
	}
	readers := demo.Readers(books, demoReaders)
	hash, err := reader.NewHasher().Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	jobs, err := p.newJobs(pool, log)
	if err != nil {
		return nil, err
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		added, err := book.LoadReaders(ctx, tx, readers, hash)
		if err != nil || len(added) == 0 {
			return err
		}
		params := []river.InsertManyParams{{Args: recommend.NeighboursArgs{}}}
		for _, id := range added {
			params = append(params, river.InsertManyParams{Args: recommend.ReaderArgs{ReaderID: id}})
		}
		_, err = jobs.InsertManyTx(ctx, tx, params)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load the invented readers: %w", err)
	}
	log.InfoContext(ctx, "the invented readers are loaded", "readers", len(readers))
	return readers, nil
}
