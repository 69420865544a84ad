package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/work"
)

// crowd is the readers of a run and the books they rate.
type crowd struct {
	readers  []rater
	books    []int64
	password string // everybody's
}

// rater is a reader who is signed in.
type rater struct {
	id      int64
	email   string
	token   string            // the session's
	enqueue []bench.Statement // what enqueueing this reader's job sends
}

// prepare fills the database: the catalogue, the invented readers, the run's own readers, and what a worker makes of it.
func (b *webBench) prepare(ctx context.Context) error {
	log := b.quiet()
	if err := db.Migrate(ctx, b.pool, log); err != nil {
		return err
	}
	b.password = rand.Text()
	invented, err := b.seed(ctx, b.pool, log, b.password)
	if err != nil {
		return err
	}
	emails := make([]string, len(invented))
	for i, r := range invented {
		emails[i] = reader.EmailKey(r.Email)
	}
	if err := b.makeReaders(ctx, emails); err != nil {
		return err
	}
	if _, err := b.pool.Exec(ctx, "vacuum analyze"); err != nil {
		return err
	}
	b.say("letting a worker find out what resembles what")
	if err := b.withWorker(ctx, func() error { return nil }); err != nil {
		return err
	}
	return b.recordEnqueue(ctx)
}

// makeReaders makes readers with half of the ratings of one of the invented readers each, and a session. They share one
// password hash: a hash takes some 30 ms, and real sign-ins follow.
func (b *webBench) makeReaders(ctx context.Context, invented []string) error {
	hash, err := reader.NewHasher().Hash(ctx, b.password)
	if err != nil {
		return err
	}
	var emails, keys []string
	for i := range b.bench.readers {
		email := fmt.Sprintf("reader-%d@bench.example", i+1)
		emails, keys = append(emails, email), append(keys, reader.EmailKey(email))
	}
	return pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			insert into reader (email, email_key, name, password_hash)
			select email, key, 'A reader', $3 from unnest($1::text[], $2::text[]) as u (email, key) returning id, email`,
			emails, keys, hash)
		if err != nil {
			return fmt.Errorf("make readers: %w", err)
		}
		var v rater
		if _, err := pgx.ForEachRow(rows, []any{&v.id, &v.email}, func() error {
			b.readers = append(b.readers, v)
			return nil
		}); err != nil {
			return fmt.Errorf("make readers: %w", err)
		}
		_, err = tx.Exec(ctx, `
			with model as (
				select id, row_number() over (order by id) - 1 as n, count(*) over () as of from reader where email_key = any ($1)
			), copied as (
				insert into rating (reader_id, book_id, stars)
				select r.id, x.book_id, x.stars
				from reader r
				join model m on m.n = r.id % m.of
				join rating x on x.reader_id = m.id and (x.book_id + r.id / m.of) % 2 = 0
				where r.email_key = any ($2)
				returning reader_id
			)
			update reader set ratings_version = c.n
			from (select reader_id, count(*) as n from copied group by reader_id) c where c.reader_id = reader.id`,
			invented, keys)
		if err != nil {
			return fmt.Errorf("make ratings: %w", err)
		}
		for i := range b.readers {
			if b.readers[i].token, err = reader.StartSession(ctx, tx, b.readers[i].id); err != nil {
				return err
			}
		}
		rows, err = tx.Query(ctx, "select id from book order by id")
		if err != nil {
			return err
		}
		b.books, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
}

// recordEnqueue learns what SQL enqueueing sends for each reader, without leaving a job behind.
func (b *webBench) recordEnqueue(ctx context.Context) error {
	jobs, err := b.newJobs(b.pool, b.quiet())
	if err != nil {
		return err
	}
	cfg, err := pgxpool.ParseConfig(b.url)
	if err != nil {
		return err
	}
	recorder := &bench.Recorder{}
	cfg.ConnConfig.Tracer = recorder
	conn, err := pgx.ConnectConfig(ctx, cfg.ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // the connection is closed next
	ctx = work.WithOrigin(ctx, work.Origin{RequestID: rand.Text()})
	enqueue := func(readerID int64) error {
		return recommend.Change(ctx, tx, jobs, readerID, func() error { return nil })
	}
	// A client's first insert asks the server who it is, and sends a second notice: that is not what every request costs.
	if err := enqueue(0); err != nil {
		return err
	}
	recorder.Take()
	for i := range b.readers {
		if err := enqueue(b.readers[i].id); err != nil {
			return err
		}
		b.readers[i].enqueue = recorder.Take()
	}
	return nil
}

// withWorker runs fn beside a worker process that has nothing to do, once it has done what there was.
func (b *webBench) withWorker(ctx context.Context, fn func() error) (err error) {
	jobs, err := b.newJobs(b.pool, b.quiet())
	if err != nil {
		return fmt.Errorf("job client: %w", err)
	}
	// Schedules do not tick here: they would at some moment of the measurement.
	if _, err := jobs.Insert(ctx, recommend.NeighboursArgs{}, nil); err != nil {
		return fmt.Errorf("enqueue rebuild_neighbours: %w", err)
	}
	worker, err := b.start(ctx, workerProcess)
	if err != nil {
		return err
	}
	defer func() {
		if stopped := worker.Stop(); err == nil {
			err = stopped
		}
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; {
		var idle bool
		err := b.pool.QueryRow(ctx, `
			select not exists (select from river.river_job where state not in ('completed', 'cancelled', 'discarded'))
			   and exists (select from (select rating_change from neighbour_build order by id desc limit 1) last
			               where rating_change = coalesce(pg_sequence_last_value('rating_change'::regclass), 0))`).Scan(&idle)
		if err != nil {
			return fmt.Errorf("ask whether the worker is idle: %w", err)
		}
		if idle {
			return fn()
		}
		if time.Since(began) > 5*time.Minute {
			return fmt.Errorf("the worker had not done its jobs after 5 minutes")
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// countActive is how many different readers have rated in the run.
func (b *webBench) countActive(ctx context.Context) (n int, err error) {
	err = b.pool.QueryRow(ctx, `select count(*) from reader
		where email_key like '%@bench.example' and ratings_changed_at is not null`).Scan(&n)
	return n, err
}
