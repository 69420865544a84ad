package lab

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/postgres"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

// asWorker is set in the worker processes that experiments start: they are this test program too.
const asWorker = "BACKLIST_TEST_LAB"

func TestMain(m *testing.M) {
	url := os.Getenv(asWorker)
	if url == "" {
		testdb.Main(m)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := formation.Attached(ctx, os.Stdin)
	defer cancel()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err := work.Run(ctx, work.Process{
		Options: work.Options{Schema: "river", Process: os.Getenv("DYNO"), Log: log, Queues: map[string]int{OwnQueue: 4}},
		URL:     url, Share: postgres.Share{Size: 2},
		Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) {
			workers := work.NewWorkers()
			AddWorkers(workers, slow(pool))
			return workers, nil
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// testLab is a lab on a database of its own, with a reader who has rated a book.
type testLab struct {
	*Lab
	t   *testing.T
	url string
	by  By
}

func open(t *testing.T) *testLab {
	t.Helper()
	l := &testLab{t: t, url: testdb.NewURL(t), by: By{Name: "Ann"}}
	cfg, err := pgxpool.ParseConfig(l.url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ConnConfig.Tracer = trace.Queries{}
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	err = pool.QueryRow(t.Context(), `
		with r as (insert into reader (name, email, email_key, password_hash) values ('Ann', 'ann@example.com', 'ann@example.com', '') returning id),
		b as (insert into book (title) values ('Kindred') returning id)
		insert into rating (reader_id, book_id, stars) select r.id, b.id, 9 from r, b returning reader_id`).Scan(&l.by.ReaderID)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := work.NewInserter(pool, l.options(l.workers(pool)))
	if err != nil {
		t.Fatal(err)
	}
	l.Lab = New(Config{
		DB: pool, Jobs: jobs, Slow: slow(pool), Log: l.log(), Dev: true, Work: l.work(OwnQueue),
		Page: func(_ context.Context, w io.Writer, readerID int64) error {
			_, err := fmt.Fprint(w, "a page of reader ", readerID)
			return err
		},
	})
	t.Cleanup(l.Close)
	return l
}

func slow(pool *pgxpool.Pool) *Slow {
	log := slog.New(slog.DiscardHandler)
	return &Slow{
		DB: pool, Lists: &recommend.ReaderWorker{DB: pool, Log: log, Quiet: true}, MailDelay: 10 * time.Millisecond,
		Letters: mail.DeliverWorker{
			Log: log, Secret: "a secret for tests", Composers: map[mail.Kind]mail.Compose{mail.KindLab: Letter},
			Base: func(context.Context) (string, error) { return "http://example.com", nil },
		},
	}
}

func (l *testLab) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(l.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
}

func (l *testLab) workers(pool *pgxpool.Pool) *work.Workers {
	workers := work.NewWorkers()
	AddWorkers(workers, slow(pool))
	return workers
}

func (l *testLab) options(workers *work.Workers) work.Options {
	return work.Options{Schema: "river", Process: "lab", Log: l.log(), Workers: workers}
}

// openWithWorkers is a lab whose experiments can start worker processes: of this program, or of another one.
func openWithWorkers(t *testing.T, program ...string) *testLab {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if program == nil {
		program = []string{self}
	}
	l := open(t)
	l.Workers = formation.NewLocal(formation.Config{
		Type: "lab", Program: program, Env: []string{asWorker + "=" + l.url}, Output: t.Output(), Log: l.log(), Restart: 10 * time.Millisecond,
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan struct{})
	go func() {
		l.Workers.Run(ctx)
		close(stopped)
	}()
	t.Cleanup(func() {
		l.Close()
		cancel()
		<-stopped
	})
	return l
}

// work returns a function that runs a worker for a queue.
func (l *testLab) work(queue string) func(ctx context.Context, slots int, ready func()) error {
	return func(ctx context.Context, slots int, ready func()) error {
		options := l.options(nil)
		options.Queues = map[string]int{queue: slots}
		return work.Run(ctx, work.Process{
			Options: options, URL: l.url, Share: postgres.Share{Size: 4}, Ready: ready,
			Jobs: func(pool *pgxpool.Pool) (*work.Workers, error) { return l.workers(pool), nil },
		})
	}
}

// startWorker runs a worker for the lab's queue until the test ends.
func (l *testLab) startWorker() {
	l.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(l.t.Context()))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- l.work(QueueName)(ctx, 10, func() { close(ready) }) }()
	l.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			l.t.Error(err)
		}
	})
	<-ready
}

// run runs an experiment to its end.
func (l *testLab) run(slug string) State {
	l.t.Helper()
	e, ok := l.Find(slug)
	if !ok {
		l.t.Fatalf("there is no experiment %s", slug)
	}
	id, err := l.Start(l.t.Context(), e, l.by)
	if err != nil {
		l.t.Fatal(err)
	}
	s := l.end(e, id)
	for _, statement := range s.Result.Statements { // it can be run as it is shown
		if _, err := l.DB.Exec(l.t.Context(), statement.SQL); err != nil && statement.Title != besideTitle {
			l.t.Errorf("%s: %v", statement.SQL, err)
		}
	}
	return s
}

// besideTitle is the statement for the second database, which is gone by then.
const besideTitle = "What is in the queue beside the database"

// end waits until a run has ended.
func (l *testLab) end(e Experiment, id string) (s State) {
	l.t.Helper()
	err := until(l.t.Context(), func() (done bool, err error) {
		s, err = l.State(l.t.Context(), e, id)
		return !s.Running, err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

func (l *testLab) count(sql string, args ...any) (n int) {
	l.t.Helper()
	if err := l.DB.QueryRow(l.t.Context(), sql, args...).Scan(&n); err != nil {
		l.t.Fatal(err)
	}
	return n
}

func (l *testLab) exec(sql string) {
	l.t.Helper()
	if _, err := l.DB.Exec(context.WithoutCancel(l.t.Context()), sql); err != nil {
		l.t.Error(err)
	}
}
