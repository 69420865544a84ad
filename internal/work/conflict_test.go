package work_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/backlist/backlist/db"
	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/worktest"
)

// TestHeartbeatConflict: heartbeats that fail because of other transactions (serialization failures, deadlocks) are repeated
// on the same connection, which keeps its lock.
func TestHeartbeatConflict(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"40001", "40P01"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			pool := testdb.New(t)
			o := options(t, func(ctx context.Context, job *river.Job[stepArgs]) error {
				return work.Finish(ctx, pool, job, func(pgx.Tx) error { return nil })
			})
			w, _ := worktest.Start(t, pool, o)
			const lock = `select l.pid from pg_locks l join work.worker w on l.classid = (w.lock_key >> 32)::oid and l.objid = (w.lock_key & 4294967295)::oid
				where l.locktype = 'advisory' and w.id = $1`
			var before, after int
			if err := pool.QueryRow(t.Context(), lock, w.ID()).Scan(&before); err != nil {
				t.Fatal(err)
			}
			// Of every three heartbeats two fail. A sequence counts on although its transaction is undone.
			_, err := pool.Exec(t.Context(), fmt.Sprintf(`
				create sequence beats;
				create function conflict() returns trigger language plpgsql as $$ begin
					if nextval('beats') %% 3 <> 0 then raise exception 'conflict' using errcode = '%s'; end if;
					return new;
				end $$;
				create trigger conflict before update of seen_at on work.worker for each row execute function conflict()`, code))
			if err != nil {
				t.Fatal(err)
			}
			until(t, pool, "three heartbeats got through", "select last_value >= 9 from beats")
			if err := pool.QueryRow(t.Context(), lock, w.ID()).Scan(&after); err != nil || after != before {
				t.Errorf("the worker's connection was %d and is %d: %v", before, after, err)
			}
			until(t, pool, "a job is done", "select state = 'completed' and cardinality(coalesce(errors, '{}')) = 0 from river.river_job where id = $1", enqueue(t, pool, 1))
		})
	}
}

// TestHeartbeatOnReplica: a worker whose server refuses writes logs that in a sentence, and continues once it accepts them.
func TestHeartbeatOnReplica(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	o := options(t, func(context.Context, *river.Job[stepArgs]) error { return nil })
	log := &sentence{words: db.ErrReadOnly.Error(), heard: make(chan struct{})}
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	worktest.Start(t, pool, o)
	readOnly := func(on string) {
		t.Helper()
		// A standby's sessions refuse every write with this code.
		_, err := pool.Exec(t.Context(), strings.ReplaceAll(`
			create or replace function refuse() returns trigger language plpgsql as $$ begin
				if ON then raise exception 'no writes' using errcode = '25006'; end if;
				return new;
			end $$;
			create or replace trigger refuse before insert or update on work.worker for each row execute function refuse()`, "ON", on))
		if err != nil {
			t.Fatal(err)
		}
	}
	readOnly("true")
	select {
	case <-log.heard:
	case <-time.After(time.Minute):
		t.Fatal("the worker does not log that the database accepts no writes")
	}
	readOnly("false")
	until(t, pool, "it sends heartbeats again", "select bool_and(seen_at > now() - interval '12 s') from work.worker")
	until(t, pool, "a job is done", "select state = 'completed' from river.river_job where id = $1", enqueue(t, pool, 1))
}

// sentence is a log that reports when it receives a sentence.
type sentence struct {
	words string
	heard chan struct{}
	once  sync.Once
}

func (s *sentence) Write(line []byte) (int, error) {
	if strings.Contains(string(line), s.words) {
		s.once.Do(func() { close(s.heard) })
	}
	return len(line), nil
}
