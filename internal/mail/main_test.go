package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertest"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/pilot"
)

func TestMain(m *testing.M) { testdb.Main(m) }

const (
	base   = "https://backlist.example"
	secret = "a secret of the site"
)

// testBundle is a reader, a sink and a worker that sends to it, inside a transaction that is rolled back.
type testBundle struct {
	tx     pgx.Tx
	jobs   *work.Client
	worker *DeliverWorker
	sink   *Sink
	reader int64
	minted *atomic.Int64 // number of reset links so far
}

func setup(t *testing.T, cfg SinkConfig) *testBundle {
	t.Helper()
	tx := testdb.Tx(t)
	b := &testBundle{tx: tx, sink: startSink(t, cfg), jobs: newJobs(t), reader: newReader(t, tx, "odo@reader.example"), minted: new(atomic.Int64)}
	b.worker = newWorker(t, tx, newSender(t, b.sink.URL()), b.minted)
	return b
}

func newJobs(t *testing.T) *work.Client {
	t.Helper()
	workers := work.NewWorkers()
	work.AddWorker(workers, &DeliverWorker{})
	jobs, err := work.NewInserter(nil, work.Options{Workers: workers, Schema: db.RiverSchema, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func newWorker(t *testing.T, db work.DB, sender *Sender, minted *atomic.Int64) *DeliverWorker {
	t.Helper()
	plain := func(_ context.Context, _ pgx.Tx, msg store.Message, base string) (Letter, error) {
		return Letter{
			Subject: "A " + msg.Kind + " letter", Greeting: "Dear Odo,", Paragraphs: []string{"Good news."},
			Action: &Link{"Read on", base + "/"}, Unsubscribe: msg.Kind == string(KindReady),
		}, nil
	}
	return &DeliverWorker{
		DB: db, Sender: sender, Secret: secret, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Base: func(context.Context) (string, error) { return base, nil },
		Composers: map[Kind]Compose{
			KindWelcome: plain, KindReady: plain,
			KindReset: func(_ context.Context, _ pgx.Tx, _ store.Message, base string) (Letter, error) {
				link := fmt.Sprintf("%s/reset/token-%d", base, minted.Add(1))
				return Letter{Subject: "Choose a new password", Paragraphs: []string{"Here: " + link}, Action: &Link{"Choose", link}, Secret: true}, nil
			},
		},
	}
}

func newReader(t *testing.T, db store.DBTX, email string) (id int64) {
	t.Helper()
	err := db.QueryRow(t.Context(), `insert into reader (email, email_key, name, password_hash) values ($1, $1, 'Odo', '-') returning id`, email).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// queue queues a message to the bundle's reader and returns its id.
func (b *testBundle) queue(t *testing.T, kind Kind) (id int64) {
	t.Helper()
	key := fmt.Sprintf("%s:%d:%d", kind, b.reader, time.Now().UnixNano())
	queued, err := Queue(t.Context(), b.tx, b.jobs, Draft{ReaderID: b.reader, Kind: kind, Key: key, To: "odo@reader.example"})
	if err != nil || !queued {
		t.Fatalf("queued %t, %v", queued, err)
	}
	if err := b.tx.QueryRow(t.Context(), "select id from message where key = $1", key).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// job returns the job that delivers a message.
func (b *testBundle) job(t *testing.T, id int64) *rivertype.JobRow {
	t.Helper()
	var jobID int64
	err := b.tx.QueryRow(t.Context(), `select id from river.river_job where kind = 'deliver_mail' and (args->>'message_id')::bigint = $1`, id).Scan(&jobID)
	if err != nil {
		t.Fatal(err)
	}
	job, err := b.jobs.JobGetTx(t.Context(), b.tx, jobID)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// work makes one attempt to deliver a message and returns the job's state after it, and the worker's error.
func (b *testBundle) work(t *testing.T, id int64) (rivertype.JobState, error) {
	t.Helper()
	w := rivertest.NewWorker(t, pilot.NewDriver(nil), &river.Config{Schema: db.RiverSchema}, b.worker)
	result, err := w.WorkJob(t.Context(), t, b.tx, b.job(t, id))
	if result == nil {
		t.Fatal(err)
	}
	return b.job(t, id).State, err
}

// onlyOneLeft makes the next attempt to deliver a message the last.
func (b *testBundle) onlyOneLeft(t *testing.T, id int64) {
	t.Helper()
	_, err := b.tx.Exec(t.Context(), "update river.river_job set attempt = max_attempts - 1 where id = $1", b.job(t, id).ID)
	if err != nil {
		t.Fatal(err)
	}
}

func (b *testBundle) message(t *testing.T, id int64) store.Message {
	t.Helper()
	m, err := Get(t.Context(), b.tx, b.reader, id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// failing is a database that is gone after a number of transactions, as it is for a process that dies.
type failing struct {
	work.DB
	left int
}

var errGone = errors.New("the database is gone")

func (f *failing) Begin(ctx context.Context) (pgx.Tx, error) {
	if f.left--; f.left < 0 {
		return nil, errGone
	}
	return f.DB.Begin(ctx)
}
