package importer

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/importer/listing"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// library returns a file with this number of rows, of which every tenth is the same book as the row before.
func library(rows int) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range rows {
		book := i
		if i%10 == 9 {
			book--
		}
		fmt.Fprintf(&b, "The %s Book of %d,Writer %c Number%d,%d,read,,,%d,,2020-01-02\n",
			[]string{"Red", "Green", "Blue"}[book%3], book, 'A'+book%20, book%700, 1+book%5, 1900+book%100)
	}
	return b.String()
}

// startIn starts an import of a new reader in a database.
func startIn(t testing.TB, pool *pgxpool.Pool, jobs *work.Client, content string) (args Args) {
	t.Helper()
	ctx := t.Context()
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `insert into reader (email, email_key, name, password_hash)
			select n, n, n, 'x' from (select 'r' || count(*) || '@x' as n from reader) r returning id`).Scan(&args.ReaderID)
		if err != nil {
			return err
		}
		file, err := listing.Open(bytes.NewReader([]byte(content)))
		if err != nil {
			return err
		}
		args.ImportID, err = Start(ctx, tx, jobs, args.ReaderID, "library.csv", file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return args
}

func options(t testing.TB, worker river.Worker[Args]) work.Options {
	workers := work.NewWorkers()
	work.AddWorker(workers, worker)
	return work.Options{
		Workers: workers, Queues: map[string]int{QueueName: Slots}, Schema: "river",
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	}
}

func ended(t testing.TB, pool *pgxpool.Pool, args Args) Import {
	t.Helper()
	for {
		in, err := Get(t.Context(), pool, args.ReaderID, args.ImportID)
		if err != nil {
			t.Fatal(err)
		}
		if in.EndedAt != nil {
			return in
		}
		select {
		case <-t.Context().Done():
			t.Fatal("the import did not end")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// breaking is the worker with attempts that are ended after their first step.
type breaking struct {
	Worker
	most int // attempts that are ended
}

func (w *breaking) Work(ctx context.Context, job *river.Job[Args]) error {
	if job.Attempt > w.most {
		return w.Worker.Work(ctx, job)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	db := &counting{DB: w.DB, after: 1, end: func() { cancel(errBroken) }}
	return (&Worker{DB: db, Jobs: w.Jobs}).Work(ctx, job)
}

// NextRetry retries at once.
func (w *breaking) NextRetry(*river.Job[Args]) time.Time { return time.Now() }

var errBroken = fmt.Errorf("the attempt was ended by the test")

// counting ends the attempt in its transaction number after.
type counting struct {
	DB
	after int
	end   func()
}

func (c *counting) Begin(ctx context.Context) (pgx.Tx, error) {
	if c.after--; c.after < 0 {
		c.end()
	}
	return c.DB.Begin(ctx)
}

// TestBrokenTenTimes: an import whose attempts are ended ten times has each row once, and is complete.
func TestBrokenTenTimes(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	jobs := newJobs(t)
	const rows = 1200
	args := startIn(t, pool, jobs, library(rows))
	worktest.Start(t, pool, options(t, &breaking{Worker: Worker{DB: pool, Jobs: jobs}, most: 10}))
	in := ended(t, pool, args)
	if in.Counts[Added] != rows*9/10 || in.Counts[Merged] != rows/10 || in.Rows != rows {
		t.Errorf("of %d rows %v", in.Rows, in.Counts)
	}
	for what, sql := range map[string]string{
		"books":      "select count(*) from book",
		"ratings":    "select count(*) from rating where reader_id = $1",
		"shelvings":  "select count(*) from shelving where reader_id = $1",
		"remembered": "select count(*) from imported where reader_id = $1",
	} {
		var n int
		params := []any{args.ReaderID}
		if what == "books" {
			params = nil
		}
		if err := pool.QueryRow(t.Context(), sql, params...).Scan(&n); err != nil || n != rows*9/10 {
			t.Errorf("%d %s, want %d (%v)", n, what, rows*9/10, err)
		}
	}
	var attempts int
	if err := pool.QueryRow(t.Context(), "select max(attempt) from river.river_job where kind = 'import_books'").Scan(&attempts); err != nil || attempts != 11 {
		t.Errorf("%d attempts, want 11 (%v)", attempts, err)
	}
}

// TestTwoAtOnce: two readers import the same books at once, and each book is added once. Deleting the account of a third in the
// middle of an import ends it.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	jobs := newJobs(t)
	one, two, gone := startIn(t, pool, jobs, library(600)), startIn(t, pool, jobs, library(600)), startIn(t, pool, jobs, library(600))
	deleting := &deletes{Worker: Worker{DB: pool, Jobs: jobs}, reader: gone.ReaderID, pool: pool}
	worktest.Start(t, pool, options(t, deleting))
	for _, args := range []Args{one, two} {
		if in := ended(t, pool, args); in.Counts[Added] != 540 || in.Counts[Merged] != 60 {
			t.Errorf("%v", in.Counts)
		}
	}
	wait := func(what, sql string, params ...any) {
		t.Helper()
		for ok := false; !ok; {
			if err := pool.QueryRow(t.Context(), sql, params...).Scan(&ok); err != nil {
				t.Fatal(what, err)
			}
		}
	}
	wait("jobs", "select bool_and(state = 'completed') from river.river_job where kind = 'import_books'")
	wait("books", "select count(*) = 540 and count(distinct title) = 540 from book")
	wait("nothing of the deleted account", "select count(*) = 0 from import where reader_id = $1", gone.ReaderID)
}

// deletes is the worker that deletes a reader's account before the second step of the reader's import.
type deletes struct {
	Worker
	reader int64
	pool   *pgxpool.Pool
}

func (w *deletes) Work(ctx context.Context, job *river.Job[Args]) error {
	if job.Args.ReaderID != w.reader {
		return w.Worker.Work(ctx, job)
	}
	db := &counting{DB: w.DB, after: 1, end: func() {
		_, _ = w.pool.Exec(ctx, "delete from reader where id = $1", w.reader) // checked by the test
	}}
	return (&Worker{DB: db, Jobs: w.Jobs}).Work(ctx, job)
}

// BenchmarkImport imports 5,000 rows: most bring a book, as a first import does, and then none does, as a second reader's.
func BenchmarkImport(b *testing.B) {
	cfg, err := pgxpool.ParseConfig(testdb.NewURL(b))
	if err != nil {
		b.Fatal(err)
	}
	cfg.ConnConfig.RuntimeParams["jit"] = "off" // as in a worker process
	pool, err := pgxpool.NewWithConfig(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	jobs := newJobs(b)
	worktest.Start(b, pool, options(b, &Worker{DB: pool, Jobs: jobs}))
	content := library(5000)
	for _, name := range []string{"new books", "known books"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				began := time.Now()
				args := startIn(b, pool, jobs, content)
				uploaded := time.Since(began)
				ended(b, pool, args)
				b.ReportMetric(uploaded.Seconds(), "s/upload")
				b.ReportMetric(time.Since(began).Seconds(), "s/import")
			}
		})
	}
}
