package mail

import (
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/notice"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

func TestQueueOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, SinkConfig{})
	d := Draft{ReaderID: b.reader, Kind: KindReady, Key: "ready:1:2026-11-23", To: "odo@reader.example"}
	for i, want := range []bool{true, false} {
		if queued, err := Queue(t.Context(), b.tx, b.jobs, d); queued != want || err != nil {
			t.Errorf("call %d: %t, %v", i+1, queued, err)
		}
	}
	var messages, jobs int
	err := b.tx.QueryRow(t.Context(), `select (select count(*) from message where reader_id = $1), (select count(*) from river.river_job
		where kind = 'deliver_mail' and (args->>'message_id')::bigint in (select id from message where reader_id = $1))`, b.reader).Scan(&messages, &jobs)
	if err != nil || messages != 1 || jobs != 1 {
		t.Errorf("%d messages, %d jobs, %v", messages, jobs, err)
	}
}

// TestQueueToSent runs the real client: each of many messages is queued by two callers at once, and sent once.
func TestQueueToSent(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	sink := startSink(t, SinkConfig{Delay: 5 * time.Millisecond})
	workers := work.NewWorkers()
	work.AddWorker(workers, newWorker(t, pool, newSender(t, sink.URL()), nil))
	o := work.Options{Workers: workers, Schema: db.RiverSchema, Queues: map[string]int{QueueName: 4}, Log: slog.New(slog.DiscardHandler)}
	client, err := work.NewInserter(pool, o)
	if err != nil {
		t.Fatal(err)
	}
	reader := newReader(t, pool, "odo@reader.example")
	listener, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Release()
	if _, err := listener.Exec(t.Context(), "listen "+notice.Channel); err != nil {
		t.Fatal(err)
	}
	worktest.Start(t, pool, o)

	const messages = 20
	var group sync.WaitGroup
	for i := range 2 * messages {
		group.Go(func() {
			d := Draft{ReaderID: reader, Kind: KindWelcome, Key: "welcome:" + strconv.Itoa(i%messages), To: "odo@reader.example"}
			err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
				_, err := Queue(t.Context(), tx, client, d)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for sent := 0; sent < messages; {
		if _, err := listener.Conn().WaitForNotification(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := pool.QueryRow(t.Context(), "select count(*) from message where state = 'sent'").Scan(&sent)
		if err != nil {
			t.Fatal(err)
		}
	}
	if sink.Count() != messages {
		t.Errorf("%d mails for %d messages", sink.Count(), messages)
	}
}

// TestStopHandsBack stops a worker whose mail server hangs, and lets another worker take over.
func TestStopHandsBack(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	heard := make(chan struct{})
	reader := newReader(t, pool, "odo@reader.example")
	start := func(sink *Sink) (jobs *work.Client, stop func()) {
		workers := work.NewWorkers()
		work.AddWorker(workers, newWorker(t, pool, newSender(t, sink.URL()), nil))
		o := work.Options{
			Workers: workers, Schema: db.RiverSchema, Queues: map[string]int{QueueName: 1}, Log: slog.New(slog.DiscardHandler),
			Grace: time.Millisecond,
		}
		jobs, err := work.NewInserter(pool, o)
		if err != nil {
			t.Fatal(err)
		}
		_, stop = worktest.Start(t, pool, o)
		return jobs, stop
	}
	jobs, stop := start(startSink(t, hangsAt("RCPT", func() { close(heard) })))
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := Queue(t.Context(), tx, jobs, Draft{ReaderID: reader, Kind: KindWelcome, Key: "welcome:1", To: "odo@reader.example"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	<-heard
	stop()
	var message, job string
	var attempt int
	read := func() {
		err := pool.QueryRow(t.Context(), "select m.state, j.state, j.attempt from message m, river.river_job j").Scan(&message, &job, &attempt)
		if err != nil {
			t.Fatal(err)
		}
	}
	if read(); message != StateQueued || job != "available" || attempt != 0 {
		t.Errorf("handed back as message %s, job %s after %d attempts", message, job, attempt)
	}
	good := startSink(t, SinkConfig{})
	_, stop = start(good)
	if err := good.Wait(t.Context(), 1); err != nil {
		t.Error(err)
	}
	stop()
	if read(); message != StateSent || job != "completed" || good.Count() != 1 {
		t.Errorf("taken over: message %s, job %s, %d mails", message, job, good.Count())
	}
}
