package brief

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

const (
	// effectsMost is how many effects a job may have in a batch; one with more runs in the ordinary lane.
	effectsMost = 1000
	// bytesMost is the most that the texts of such a job's statements may have together.
	bytesMost = 1 << 20
)

// ErrControl is the error of a job whose effects contain a statement that controls the transaction, which it shares with others.
var ErrControl = errors.New("an effect may not begin or end a transaction or set a savepoint: its statements are committed with the job")

// Effects collects what a brief job writes. Nothing is sent before its handler has returned, and nothing is written if the handler
// fails. A job's further jobs are enqueued first, then its statements run in their order.
type Effects struct {
	mu         sync.Mutex
	statements []Statement
	jobs       []Enqueued
	bytes      int
	most       int // effects; 0: any number
	many       bool
	sealed     bool
	err        error
}

// Statement is an effect in SQL.
type Statement struct {
	SQL  string
	Args []any
}

// Enqueued is a further job.
type Enqueued struct {
	Args river.JobArgs
	Opts *river.InsertOpts
}

// Exec adds a statement. It runs in the transaction that completes the job; how many rows it changes is not known to the handler.
func (fx *Effects) Exec(sql string, args ...any) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	if fx.err == nil && controls(sql) {
		fx.err = fmt.Errorf("%w (%q)", ErrControl, inShort(sql))
	}
	if fx.room(len(sql)) {
		fx.statements = append(fx.statements, Statement{sql, args})
	}
}

// Enqueue adds a job, which is enqueued if this one completes. Opts may be nil.
func (fx *Effects) Enqueue(args river.JobArgs, opts *river.InsertOpts) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	if fx.room(0) {
		fx.jobs = append(fx.jobs, Enqueued{args, opts})
	}
}

// Notify adds a notice to the listeners of a channel.
func (fx *Effects) Notify(channel, payload string) {
	fx.Exec("select pg_notify($1, $2)", channel, payload)
}

// room reports whether one more effect is taken; mu is held.
func (fx *Effects) room(bytes int) bool {
	if fx.sealed || fx.many {
		return false
	}
	fx.bytes += bytes
	fx.many = fx.most > 0 && (len(fx.statements)+len(fx.jobs) >= fx.most || fx.bytes > bytesMost)
	return !fx.many
}

// Seal ends the collecting: effects that a goroutine of the handler adds later are dropped. It returns the further jobs and the
// statements, or the error of an effect that is not allowed.
func (fx *Effects) Seal() ([]Enqueued, []Statement, error) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	fx.sealed = true
	return fx.jobs, fx.statements, fx.err
}

// discard drops the effects of a job that failed.
func (fx *Effects) discard() {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	fx.sealed, fx.jobs, fx.statements = true, nil, nil
}

// count returns how many effects there are; many reports whether there were too many for a batch.
func (fx *Effects) count() (n int, many bool) {
	fx.mu.Lock()
	defer fx.mu.Unlock()
	return len(fx.statements) + len(fx.jobs), fx.many
}

// inShort returns the beginning of a statement.
func inShort(sql string) string {
	if runes := []rune(sql); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return sql
}

// sendAtOnce is how many statements Send sends in one round trip.
const sendAtOnce = 500

// Send runs statements in a transaction.
func Send(ctx context.Context, tx pgx.Tx, statements []Statement) error {
	for some := range slices.Chunk(statements, sendAtOnce) {
		var batch pgx.Batch
		for _, s := range some {
			batch.Queue(s.SQL, s.Args...)
		}
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
	}
	return nil
}
