package crowd

import (
	"context"
	"crypto/rand"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/work"
)

// recordEnqueue records the SQL that enqueues each reader's job, without leaving a job behind.
func (m *measurement) recordEnqueue(ctx context.Context) error {
	jobs, err := m.Jobs(m.Pool)
	if err != nil {
		return err
	}
	cfg, err := pgxpool.ParseConfig(m.URL)
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
	defer tx.Rollback(ctx) // the connection is closed next
	ctx = work.WithOrigin(ctx, work.Origin{RequestID: rand.Text()})
	enqueue := func(readerID int64) error {
		return recommend.Change(ctx, tx, jobs, readerID, func(pgx.Tx) error { return nil })
	}
	for i := range m.readers {
		if err := enqueue(m.readers[i].id); err != nil {
			return err
		}
		m.readers[i].enqueue = recorder.Take()[1] // between a savepoint and its release
	}
	return nil
}
