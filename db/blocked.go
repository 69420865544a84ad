package db

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// BlockedError means that a step of a migration gave up waiting for a lock. It names the connections that hold the
// lock. The step has changed nothing.
type BlockedError struct {
	Step     string
	Done     []string // the earlier steps of this migration, which are committed
	Tries    int
	Took     time.Duration
	Blockers []Blocker

	cause error
}

func (e *BlockedError) Error() string {
	text := fmt.Sprintf("%s: another transaction holds a lock, and %d attempts in %s have failed", e.Step, e.Tries, e.Took.Round(time.Second))
	if len(e.Blockers) > 0 {
		text += ": " + join(e.Blockers)
	}
	text += ". This step changed nothing"
	if len(e.Done) > 0 {
		text += "; these steps are done: " + strings.Join(e.Done, ", ")
	}
	text += ". Wait until that transaction has ended, or end it"
	for _, b := range e.Blockers {
		if b.PID > 0 {
			text += fmt.Sprintf(" (select pg_terminate_backend(%d))", b.PID)
			break
		}
	}
	return text + ", and run the migration again"
}

func (e *BlockedError) Unwrap() error { return e.cause }

// Blocker is a connection that a step waits for.
type Blocker struct {
	PID         int // 0: a prepared transaction
	Application string
	State       string        // active, idle in transaction …
	Age         time.Duration // of its transaction
	Query       string        // its current or last statement
	On          string        // what is locked
	Holds       string        // the mode of its lock
	Wants       string        // the mode that the step needs
}

func (b Blocker) String() string {
	return fmt.Sprintf("process %d (%s, %s, in a transaction for %s) holds %s on %s, but %s is needed; its statement: %s",
		b.PID, b.Application, b.State, b.Age.Round(time.Second), b.Holds, b.On, b.Wants, b.Query)
}

func join(blockers []Blocker) string {
	list := make([]string, len(blockers))
	for i, b := range blockers {
		list[i] = b.String()
	}
	return strings.Join(list, "; ")
}

// watch finds the connections that block another one while it waits. It uses a second connection, which it opens only
// when an attempt has taken so long that it may be waiting.
type watch struct {
	cfg   *pgx.ConnConfig
	lock  time.Duration
	conn  *pgx.Conn
	found []Blocker // the latest result that was not empty
}

// start watches the process pid until the returned function is called.
func (w *watch) start(ctx context.Context, pid int) (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		w.look(ctx, pid, ended)
	}()
	return func() {
		close(ended)
		<-done
	}
}

func (w *watch) look(ctx context.Context, pid int, ended <-chan struct{}) {
	wait := w.lock / 2
	if w.conn != nil {
		wait = 0
	}
	for {
		select {
		case <-ended:
			return
		case <-time.After(wait):
		}
		wait = w.lock / 4
		if w.conn == nil {
			conn, err := pgx.ConnectConfig(ctx, w.cfg)
			if err != nil {
				return // for example, no connection is left: the step continues without the names of its blockers
			}
			w.conn = conn
		}
		if found, err := w.ask(ctx, pid); err == nil && len(found) > 0 {
			w.found = found
		}
	}
}

func (w *watch) ask(ctx context.Context, pid int) ([]Blocker, error) {
	rows, _ := w.conn.Query(ctx, blockersSQL, pid)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (b Blocker, err error) {
		var seconds float64
		err = row.Scan(&b.PID, &b.Application, &b.State, &seconds, &b.Query, &b.On, &b.Holds, &b.Wants)
		b.Age = time.Duration(seconds * float64(time.Second))
		return b, err
	})
}

func (w *watch) close(ctx context.Context) {
	if w.conn != nil {
		_ = w.conn.Close(context.WithoutCancel(ctx))
	}
}

// blockersSQL returns the blockers of the process $1. A process ahead of it in the queue counts too, with the mode that
// it waits for. To wait for a row is to wait for a transaction; the row's table is that of the tuple lock which the
// waiting process holds.
const blockersSQL = `
with wanted as (
    select l.*, coalesce(l.relation, (select t.relation from pg_locks t where t.pid = l.pid and t.locktype = 'tuple' limit 1)) as rel
    from pg_locks l where l.pid = $1 and not l.granted
)
select b.pid, coalesce(nullif(a.application_name, ''), a.usename, a.backend_type, 'a prepared transaction'),
       coalesce(a.state, a.backend_type, 'prepared'), coalesce(extract(epoch from clock_timestamp() - a.xact_start), 0)::float8,
       coalesce(left(regexp_replace(a.query, '\s+', ' ', 'g'), 200), ''),
       case when w.locktype = 'advisory' then 'the lock of migrations'
            when w.locktype in ('transactionid', 'tuple') then coalesce('a row of ' || w.rel::regclass, 'a row')
            else coalesce(w.rel::regclass::text, w.locktype) end,
       coalesce((select string_agg(distinct h.mode, ' and ') from pg_locks h
                 where h.pid = b.pid and (h.locktype, h.database, h.relation, h.transactionid, h.classid, h.objid, h.virtualxid)
                     is not distinct from (w.locktype, w.database, w.relation, w.transactionid, w.classid, w.objid, w.virtualxid)), 'a lock'),
       w.mode
from wanted w cross join (select distinct unnest(pg_blocking_pids($1)) as pid) b
left join pg_stat_activity a on a.pid = b.pid
order by a.xact_start`
