package crowd

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/reader"
)

// crowd holds the readers of a run and the books that they rate.
type crowd struct {
	readers  []rater
	books    []int64
	password string // of every reader
}

// rater is a reader who is signed in.
type rater struct {
	id      int64
	email   string
	token   string     // the session's
	enqueue bench.Trip // what enqueueing this reader's job sends

	// Of a load test:
	message  int64  // a letter of the reader's
	imported int64  // an import that has ended
	reset    string // the token of a reset link
	job      int64  // a job that waits, for a form of the console
}

// prepare fills the database with the catalogue, the invented readers and the run's own readers, and lets a worker compute what
// follows from them.
func (m *measurement) prepare(ctx context.Context) error {
	if err := db.Migrate(ctx, m.Pool, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	m.password = rand.Text()
	invented, err := m.Seed(ctx, m.Pool, m.password)
	if err != nil {
		return err
	}
	for i, email := range invented {
		invented[i] = reader.EmailKey(email)
	}
	if err := m.makeReaders(ctx, invented); err != nil {
		return err
	}
	if _, err := m.Pool.Exec(ctx, "vacuum analyze"); err != nil {
		return err
	}
	m.Say("letting a worker compute which books are alike")
	if err := m.withWorker(ctx, func() error { return nil }); err != nil {
		return err
	}
	return m.recordEnqueue(ctx)
}

// makeReaders creates readers, each with half of the ratings of an invented reader and a session. They share one password hash,
// because computing one takes about 30 ms, and real sign-ins follow.
func (m *measurement) makeReaders(ctx context.Context, invented []string) error {
	hash, err := reader.NewHasher().Hash(ctx, m.password)
	if err != nil {
		return err
	}
	var emails, keys []string
	for i := range m.Readers {
		email := fmt.Sprintf("reader-%d@bench.example", i+1)
		emails, keys = append(emails, email), append(keys, reader.EmailKey(email))
	}
	return pgx.BeginFunc(ctx, m.Pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			insert into reader (email, email_key, name, password_hash)
			select email, key, 'A reader', $3 from unnest($1::text[], $2::text[]) as u (email, key) returning id, email`,
			emails, keys, hash)
		if err != nil {
			return fmt.Errorf("make readers: %w", err)
		}
		var v rater
		if _, err := pgx.ForEachRow(rows, []any{&v.id, &v.email}, func() error {
			m.readers = append(m.readers, v)
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
		for i := range m.readers {
			if m.readers[i].token, err = reader.StartSession(ctx, tx, m.readers[i].id); err != nil {
				return err
			}
		}
		rows, err = tx.Query(ctx, "select id from book order by id")
		if err != nil {
			return err
		}
		m.books, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
}

// countActive returns the number of different readers who have rated in the run.
func (m *measurement) countActive(ctx context.Context) (n int, err error) {
	err = m.Pool.QueryRow(ctx, `select count(*) from reader
		where email_key like '%@bench.example' and ratings_changed_at is not null`).Scan(&n)
	return n, err
}
