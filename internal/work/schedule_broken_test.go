package work_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/testdb"
	"github.com/backlist/backlist/internal/work"
	"github.com/backlist/backlist/internal/work/schedule"
)

// TestBrokenSchedules: a row with which no job can be enqueued is marked as broken as soon as a process looks at it, long before it
// is due, and enqueues nothing; once it is corrected, it is as if it had always been right.
func TestBrokenSchedules(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	cases := []struct{ column, value, want string }{
		{"spec", "0 4 * * 8", `spec: the fields of cron: the day of week "8" must be 0 to 7, or sun to sat`},
		{"zone", "Europe/Nowhere", `zone: the time zone "Europe/Nowhere" is unknown: write one`},
		{"kind", "a kind", `kind: the kind "a kind" must be`},
		{"args", `[1, 2]`, "args: the arguments must be a JSON object"},
		{"args", `null`, "args: the arguments must be a JSON object"},
		{"args", `"n"`, "args: the arguments must be a JSON object"},
		{"args", `{"n": 1, "\u006e": 2}`, `args: the arguments have the key "n" twice`},
		{"args", `{"deep": [{"n": 1, "n": 2}]}`, `args: the arguments have the key "n" twice`},
		{"args", `{"n": "\u0000"}`, "args: the arguments contain the character NUL"},
		{"args", `{"n": "\ud83d"}`, "args: the arguments contain half of a surrogate pair"},
		{"args", `{"n": 1e999999}`, "args: the arguments contain a number that is too large"},
		{"opts", `[]`, "opts: the options must be a JSON object"},
		{"opts", `null`, "opts: the options must be a JSON object"},
		{"opts", `{"delay": 3}`, "opts: the options are queue, priority"},
		{"opts", `{"unique": {"arg": true}}`, "opts: the options are queue, priority"},
		{"opts", `{"priority": "high"}`, "opts: the option priority cannot be a string"},
		{"opts", `{"priority": 5}`, "opts: the priority must be 1"},
		{"opts", `{"max_attempts": 32768}`, "opts: max_attempts must be 1 to 32767"},
		{"opts", `{"max_attempts": -1}`, "opts: max_attempts must be 1 to 32767"},
		{"opts", `{"queue": "Mail"}`, `opts: the queue "Mail" must be`},
		{"opts", `{"tags": ["a"]}`, `opts: the tag "a" must be`},
		{"opts", `{"unique": {"period": 0.5}}`, "opts: unique.period must be"},
		{"opts", `{"unique": {"period": 1e300}}`, "opts: unique.period must be"},
		{"opts", `{"unique": {"states": ["available", "done"]}}`, `opts: unique.states has "done"`},
		{"opts", `{"unique": {"states": ["available", "pending", "running"]}}`, "opts: unique.states must contain"},
		{"opts", `{"unique": {"exclude_kind": true}}`, "opts: unique.exclude_kind must have"},
		{"opts", `{"unique": {"args": true, "keys": ["n"]}}`, "opts: unique.keys cannot be"},
	}
	types := map[string]string{"args": "json", "opts": "jsonb"}
	for _, c := range cases {
		name := c.column + " " + c.value
		execute(t, pool, "insert into work.schedule (name, kind, args, spec, missed) values ($1, 'test_step', '{\"n\": 1}', '0 0 1 1 *', 'once')", name)
		execute(t, pool, "update work.schedule set "+c.column+" = $2::text::"+cmp.Or(types[c.column], "text")+" where name = $1", name, c.value)
	}
	maintaining(t, pool, optionsOf(nil, nil)) // it logs errors, as it should
	until(t, pool, "all are found", "select bool_and(broken is not null) from work.schedule")
	for _, c := range cases {
		var broken string
		if err := pool.QueryRow(t.Context(), "select broken from jobs.schedule where name = $1", c.column+" "+c.value).Scan(&broken); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(broken, c.want) {
			t.Errorf("%s %s: %s", c.column, c.value, broken)
		}
	}
	execute(t, pool, `update work.schedule set spec = '0 0 1 1 *', zone = 'UTC', kind = 'test_step', args = '{"n": 1}', opts = '{}'`)
	until(t, pool, "they are right again", `select bool_and(broken is null and not dirty and words = '0 0 1 1 * (UTC)' and next_at > now()) from jobs.schedule`)
	holds(t, pool, "none was due", "select count(*) = 0 from river.river_job")
}

// TestRunOfBrokenSchedule: a run that comes due while the row is wrong is not lost, but happens once the row is corrected. Faults
// that only the server finds are shown too.
func TestRunOfBrokenSchedule(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	args, server := daily("args"), daily("server")
	args.Spec, server.Spec = "every 1d", "every 1d" // a time of day could come due while the test runs, and would be the run
	declare(t, pool, args, server)
	execute(t, pool, `create function refuse() returns trigger language plpgsql as $$ begin
			if new.metadata ->> 'schedule' = 'server' and new.args ->> 'n' = '1' then raise exception 'no 1, please' using errcode = 'check_violation'; end if;
			return new;
		end $$;
		create trigger refuse before insert on river.river_job for each row execute function refuse();
		update work.schedule set args = '[1]' where name = 'args';
		update work.schedule set next_at = date_trunc('minute', now()) - interval '1 h'`)
	maintaining(t, pool, optionsOf(nil, nil))
	until(t, pool, "both are broken", "select bool_and(broken is not null) and bool_and(next_at < now()) from work.schedule")
	holds(t, pool, "the server's word is shown", "select broken like 'its job is refused: %no 1, please%' from jobs.schedule where name = 'server'")
	holds(t, pool, "neither is overdue", "select bool_and(overdue is null) from jobs.schedule")
	execute(t, pool, `update work.schedule set args = '{"n": 2}'`)
	until(t, pool, "both have run", `select count(*) = 2 from work.tick where outcome = 'enqueued' and due_at < now() - interval '50 min'`)
	holds(t, pool, "neither is broken", "select bool_and(broken is null and next_at > now()) from work.schedule")
}

// TestDeclareRefuses: Declare refuses schedules that a process would find broken.
func TestDeclareRefuses(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]work.Schedule{
		"schedule a: the arguments must be a JSON object": {Name: "a", Args: listArgs{1, 2}, Spec: "every 1d", Missed: work.MissedOnce},
		"schedule b: the kind":                            {Name: "b", Args: oddArgs{}, Spec: "every 1d", Missed: work.MissedOnce},
	} {
		if err := schedule.Declare(t.Context(), testdb.Tx(t), []work.Schedule{s}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s …", err, want)
		}
	}
}

type listArgs []int

func (listArgs) Kind() string { return "test_list" }

type oddArgs struct{}

func (oddArgs) Kind() string { return "odd kind" }

// TestScheduleBesideAnOlderRelease: this release understands what an older one writes, which knows only the column words, and
// writes into that column what the older one needs.
func TestScheduleBesideAnOlderRelease(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	const workedOut = "update work.schedule set words = $2, next_at = $3 where name = $1" // as the older release does
	declare(t, pool, daily("it"), daily("new form"))
	holds(t, pool, "it need not look at what was declared", "select bool_and(words <> '' and not dirty) from work.schedule")
	execute(t, pool, "update work.schedule set spec = 'every 1h' where name = 'it'")
	execute(t, pool, "update work.schedule set spec = 'every 1d' where name = 'new form'")
	holds(t, pool, "it knows what has changed", "select bool_and(words = '' and dirty) from work.schedule")

	at := time.Now().Add(-time.Minute).Truncate(time.Second)
	execute(t, pool, workedOut, "it", "every hour", at)
	execute(t, pool, workedOut, "new form", "cannot be read: the interval: time: unknown unit \"d\"", at)
	holds(t, pool, "what it has worked out is not worked out again", "select not dirty from work.schedule where name = 'it'")
	holds(t, pool, "what it could not read is", "select dirty from work.schedule where name = 'new form'")
	maintaining(t, pool, options(t, nil))
	until(t, pool, "the run that came due in between is not lost", "select count(*) = 1 from work.tick where schedule = 'it' and outcome = 'enqueued'")
	until(t, pool, "this release reads it", "select words = 'every day' and next_at > now() and broken is null and not dirty from work.schedule where name = 'new form'")
}
