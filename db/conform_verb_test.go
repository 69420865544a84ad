package db_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// snoozes is the scenario of snooze, which leaves a job as River leaves one whose worker returned JobSnooze. River's choices in
// Go (the state and the count) are repeated here; its own statement then writes them.
func snoozes() scenario {
	s := scenario{name: "snooze", seed: func(b *bench) string {
		// River cancels a job that was told to stop rather than snooze it.
		return everyJob(b) + fmt.Sprintf(`update %s set metadata = metadata - 'cancel_attempted_at' || case when id %% 2 = 0 then '{"snoozes": 3}' else '{}' end::jsonb;`, b.table("river_job"))
	}}
	for _, until := range []string{"now() + interval '3 s'", "timestamptz '2099-05-06 07:08:09Z'"} {
		for id := int64(1); id <= missing; id++ {
			s.steps = append(s.steps, step{
				name: fmt.Sprint(id), fresh: id == 1,
				inBench: func(ctx context.Context, b *bench) error { return b.snooze(ctx, id, until) },
				sql:     "select * from jobs.snooze($1::bigint, " + until + ", 'why')", args: []any{id},
			})
		}
	}
	return s
}

// snooze makes the job run, without its key, which it gets back at the end, and end with JobSnooze. River's scheduler looks
// every 5 s: a job that is due sooner stays available.
func (b *bench) snooze(ctx context.Context, id int64, until string) error {
	return pgx.BeginFunc(ctx, b.pool, func(tx pgx.Tx) error {
		exec := riverpgxv5.New(b.pool).UnwrapExecutor(tx)
		job, err := exec.JobGetByID(ctx, &riverdriver.JobGetByIDParams{ID: id, Schema: b.schema})
		if err != nil {
			return err
		}
		switch job.State {
		case rivertype.JobStateAvailable, rivertype.JobStateScheduled, rivertype.JobStateRetryable:
		default:
			return rivertype.ErrJobRunning
		}
		table := b.table("river_job")
		var key []byte
		var at time.Time
		var soon bool
		err = tx.QueryRow(ctx, fmt.Sprintf("update %s j set state = 'running', attempt = j.attempt + 1, unique_key = null from %[1]s o where j.id = o.id and j.id = $1 returning o.unique_key, %[2]s, %[2]s <= now() + interval '5 s'", table, until), id).Scan(&key, &at, &soon)
		if err != nil {
			return err
		}
		var had struct{ Snoozes int }
		if err := json.Unmarshal(job.Metadata, &had); err != nil {
			return err
		}
		updates := fmt.Appendf(nil, `{"snoozes": %d}`, had.Snoozes+1)
		params := riverdriver.JobSetStateSnoozed(id, at, job.Attempt, updates)
		if soon {
			params = riverdriver.JobSetStateSnoozedAvailable(id, at, job.Attempt, updates)
		}
		_, err = exec.JobSetStateIfRunningMany(ctx, &riverdriver.JobSetStateIfRunningManyParams{
			ID: []int64{id}, Attempt: []*int{params.Attempt}, ErrData: [][]byte{nil}, FinalizedAt: []*time.Time{nil}, MetadataDoMerge: []bool{true},
			MetadataUpdates: [][]byte{params.MetadataUpdates}, ScheduledAt: []*time.Time{params.ScheduledAt}, Schema: b.schema, State: []rivertype.JobState{params.State},
		})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, fmt.Sprintf("update %s set unique_key = $2 where id = $1", table), id, key)
		return err
	})
}

// copies is the scenario of copy: River's Insert of a job's stored arguments, changed, with its options or its kind's.
func copies() scenario {
	s := scenario{name: "copy", seed: func(b *bench) string {
		return ownOptions().seed(b) + `insert into work.kind (kind, secrets) values ('marked', '{home}'), ('plain', '{}');` + fmt.Sprintf(`
			insert into %s (id, kind, queue, state, attempt, max_attempts, priority, args, tags, errors, attempted_by, attempted_at, created_at, scheduled_at,
				finalized_at, metadata) values
			(1, 'plain', 'mail', 'discarded', 6, 6, 2, '{"a": 1, "at": {"x": [1, 2.50], "y": null, "token": "s"}, "password": "p"}', '{one,two}', array['{"error": "x"}']::jsonb[],
				'{w1}', '2021-01-02', '2021-01-02', '2021-01-02', '2021-01-02', '{"request_id": "r1", "cursor": 7, "snoozes": 2}'),
			(2, 'optioned', 'other', 'completed', 1, 9, 1, '{"day": "mon", "note": "<&>"}', '{}', null, null, null, '2021-01-02', '2021-01-02', '2021-01-02', '{}'),
			(3, 'wholly', 'default', 'available', 0, 25, 1, '{"day": "mon"}', '{}', null, null, null, '2021-01-02', '2021-01-02', null, '{}'),
			(4, 'marked', 'default', 'running', 1, 25, 4, '{"home": "h", "a": 1}', '{}', null, null, null, '2021-01-02', '2021-01-02', null, '{}'),
			(5, 'plain', 'alone', 'retryable', 1, 25, 3, '{}', '{}', null, null, null, '2021-01-02', '2021-01-02', null, '{"queue": "home"}');
			select setval(pg_get_serial_sequence('%[1]s', 'id'), 100);`, b.table("river_job"))
	}}
	at := time.Date(2031, 5, 6, 7, 8, 9, 123456000, time.UTC)
	plain := river.InsertOpts{Queue: "mail", Priority: 2, MaxAttempts: 6, Tags: []string{"one", "two"}}
	asked := river.InsertOpts{Queue: "asked", Priority: 4, MaxAttempts: 3, Tags: []string{"new"}, ScheduledAt: at}
	stored := `{"a": 1, "at": {"x": [1, 2.50], "y": null, "token": "s"}, "password": "p"}`
	for i, c := range []struct {
		id            int64
		changes, more string // of the call
		args          river.JobArgs
		opts          river.InsertOpts // nil args: refused
	}{
		{id: 1, changes: `{}`, args: loose{"plain", stored}, opts: plain},
		{id: 1, changes: `{"a": null, "at": {"y": 2, "z": "ü"}, "b": [{"c": null}]}`, args: loose{"plain", `{"at": {"x": [1, 2.50], "y": 2, "z": "ü", "token": "s"}, "b": [{"c": null}], "password": "p"}`}, opts: plain},
		{id: 1, changes: `{"at": 7, "password": "new"}`, args: loose{"plain", `{"a": 1, "at": 7, "password": "new"}`}, opts: plain},
		{id: 1, changes: `{"a": {"b": null, "c": 1}}`, args: loose{"plain", `{"a": {"c": 1}, "at": {"x": [1, 2.50], "y": null, "token": "s"}, "password": "p"}`}, opts: plain},
		{id: 1, changes: `{}`, more: `, queue => 'asked', scheduled_at => '2031-05-06 07:08:09.123456Z', priority => 4, max_attempts => 3, tags => '{new}'`, args: loose{"plain", stored}, opts: asked},
		{id: 2, changes: `{}`, args: optioned{"mon", "<&>"}},
		{id: 2, changes: `{"note": "other"}`, args: optioned{"mon", "other"}}, // a duplicate: its key does not include note
		{id: 2, changes: `{"day": "tue"}`, args: optioned{"tue", "<&>"}},
		{id: 2, changes: `{}`, more: `, queue => 'asked', scheduled_at => '2031-05-06 07:08:09.123456Z', priority => 4, max_attempts => 3, tags => '{new}'`, args: optioned{"mon", "<&>"}, opts: asked},
		{id: 3, changes: `{}`, args: wholly{"mon"}, opts: river.InsertOpts{Queue: "default", Priority: 1, MaxAttempts: 25}},
		{id: 3, changes: `{}`, args: wholly{"mon"}, opts: river.InsertOpts{Queue: "default", Priority: 1, MaxAttempts: 25}},
		{id: 4, changes: `{}`, args: loose{"marked", `{"home": "h", "a": 1}`}, opts: river.InsertOpts{Priority: 4}},
		{id: 5, changes: `{}`, args: loose{"plain", `{}`}, opts: river.InsertOpts{Queue: "home", Priority: 3}},
		{id: 1, changes: `{"at": {"token": "[redacted]"}}`},
		{id: 1, changes: `{"b": [["[redacted]"]]}`},
		{id: 1, changes: `{"b": "\u0000"}`},
		{id: 1, changes: `[1]`},
		{id: 1, changes: `{}`, more: `, priority => 5`},
	} {
		s.steps = append(s.steps, step{
			name: fmt.Sprint(i), sql: "select * from jobs.copy($1, $2, 'why'" + c.more + ")", args: []any{c.id, c.changes},
			inGo: func(ctx context.Context, client *river.Client[pgx.Tx]) error {
				if c.args == nil {
					return fmt.Errorf("refused")
				}
				_, err := client.Insert(ctx, c.args, &c.opts)
				return err
			},
		})
	}
	s.steps = append(s.steps,
		step{name: "edited", sql: `select * from jobs.copy(4, '{"a": 2}', 'why')`, inGo: func(context.Context, *river.Client[pgx.Tx]) error { return rivertype.ErrJobRunning }},
		step{name: "gone", sql: "select * from jobs.copy(99, '{}', 'why')", inGo: func(context.Context, *river.Client[pgx.Tx]) error { return rivertype.ErrNotFound }})
	return s
}

// undoes returns where undo, which River does not have, breaks its rules. It restores every job that an act changed, except a
// running one that was told to stop. It notifies the queues of jobs that become available. A second undo changes nothing, and
// undoing the undo restores the act's outcome.
func (b *bench) undoes(t *testing.T) string {
	t.Helper()
	const last = "(select max(id) from jobs.audit)"
	ids := fmt.Sprintf("(array(select generate_series(1, %d))::bigint[], ", missing)
	before := b.observe(t, everyJob(b), nil, nil)
	for verb, args := range map[string]string{"retry": "'why')", "cancel": "'why')", "discard": "'why')", "run_now": "'why')", "snooze": "now() + interval '1 day', 'why')"} {
		act := step{sql: "select * from jobs." + verb + ids + args}
		undo := step{name: "undo", sql: "select * from jobs.undo(" + last + ", 'why')"}
		again := step{name: "again", sql: "select * from jobs.undo(" + last + " - 1)"}
		acted := b.observe(t, everyJob(b), []step{act}, b.bySQL)
		undone := b.observe(t, everyJob(b), []step{act, undo, again}, b.bySQL)
		want := outcome{Rows: slices.Clone(before.Rows), Refused: []string{"again: refused"}}
		told, stops := map[string]bool{}, 0
		for _, notice := range acted.Notices {
			told[notice] = true
		}
		for i, row := range before.Rows {
			changed := fmt.Sprint(row) != fmt.Sprint(acted.Rows[i])
			switch {
			case changed && row["state"] == "running":
				want.Rows[i] = acted.Rows[i]
				stops++
			case changed && row["state"] == "available":
				told[fmt.Sprintf(`river_insert {"queue": "%v"}`, row["queue"])] = true
			}
		}
		if verb == "cancel" && len(acted.Notices) != stops {
			return fmt.Sprintf("cancel of many sent %d notices, and %d of the jobs run", len(acted.Notices), stops)
		}
		undone.Notices, want.Notices = distinct(undone.Notices), slices.Collect(maps.Keys(told))
		if diff := differs(want, undone, nil); diff != "" {
			return "undo of " + verb + ": " + diff
		}
		redone := b.observe(t, everyJob(b), []step{act, undo, undo}, b.bySQL)
		redone.Notices, acted.Notices = nil, nil
		for _, o := range []outcome{redone, acted} { // a snooze's time differs
			for _, row := range o.Rows {
				delete(row, "scheduled_at")
			}
		}
		if diff := differs(acted, redone, nil); diff != "" {
			return "undo of the undo of " + verb + ": " + diff
		}
	}
	return ""
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// TestUndoRestores checks undo against its rules in a schema that is not ours.
func TestUndoRestores(t *testing.T) {
	t.Parallel()
	if broken := newBench(t, "Shop_Jobs", "Asia/Kathmandu").undoes(t); broken != "" {
		t.Error(broken)
	}
}

// codes returns where an act does not refuse with the documented code, or acts where it should refuse. The ids are those of
// everyJob: one without a key in each state, and one that does not exist.
func (b *bench) codes(t *testing.T) string {
	t.Helper()
	do(t, b.pool, b.empty()+everyJob(b)+fmt.Sprintf(`
		insert into %s (id, kind, state, args, attempt, max_attempts, finalized_at) values (201, 'kind', 'discarded', '{}', 32767, 32767, now());
		insert into work.audit (id, act, job_id, queue, undo_until) overriding system value values (901, 'delete', 300, 'q1', null), (902, 'pause', null, 'q1', null),
			(903, 'retry', 201, 'q1', now()), (904, 'retry', 201, 'q1', null), (905, 'copy', 201, 'q1', null), (906, 'cancel', 300, 'q1', now() + interval '1 h'),
			(907, 'snooze', 201, 'q1', now() + interval '1 h');
		truncate work.queue_target;
		insert into work.queue_target (queue, within, share, set_by) values ('q1', '5 s', 0.99, 'x');
		insert into work.audit (id, act, job_id, queue, undo_until, after) overriding system value values
			(911, 'set_wait_target', null, 'q1', now() + interval '1 h', '{"within": "5 s", "share": 0.99}'), (912, 'set_wait_target', null, 'q1', null, '{"within": "5 s", "share": 0.99}'),
			(913, 'clear_wait_target', null, 'q1', now() + interval '1 h', null), (914, 'clear_wait_target', null, 'q2', now() + interval '1 h', null);
		insert into work.undo (audit_id, job_id, until, before, after)
		select e, 300, now() + interval '1 h', i, i from unnest('{903,904,906}'::bigint[]) e, (select row('available', 0, null, 5, now(), null, null, null)::work.image as i) x;`, b.table("river_job")))
	states := "'{1,8,15,22,29,36,43,50,999}'" // available, cancelled, completed, discarded, pending, retryable, running, scheduled
	for _, c := range []struct{ sql, want string }{
		{"jobs.may(" + states + ", 'retry')", "available - - - - - running - not_found"},
		{"jobs.may(" + states + ", 'cancel')", "- finished finished finished - - - - not_found"},
		{"jobs.may(" + states + ", 'discard')", "- finished finished finished - - running - not_found"},
		{"jobs.may(" + states + ", 'delete')", "- - - - - - running - not_found"},
		{"jobs.may(" + states + ", 'run_now')", "available finished finished finished - - running - not_found"},
		{"jobs.may(" + states + ", 'snooze')", "- finished finished finished pending - running - not_found"},
		{"jobs.may('{201,201,null}', 'retry')", "exhausted not_found"},
		{"jobs.may('{22,25,26}', 'retry')", "- - -"},
		{"jobs.may('{61,62}', 'retry')", "duplicate duplicate"}, // of a third
		{"jobs.may_undo('{901,902,903,904,905,906,907,999,null}')", "not_found not_found expired not_found irreversible expired expired irreversible irreversible"},
		{"jobs.undo('{901,902,903,904,905,906,907,999,null}'::bigint[])", "not_found not_found expired not_found irreversible expired expired irreversible irreversible"},
		{"jobs.undoable('{911,912,913,914}')", "- changed expired -"},
		{"jobs.snooze('{50}'::bigint[], now() + interval '1 h')", "-"},
		{"jobs.cancel('{50}'::bigint[])", "-"},
		{"jobs.undo(array(select id from jobs.audit where job_id = 50))", "- -"},
		{"jobs.undo(array(select id from jobs.audit where job_id = 50 and act <> 'undo'))", "changed changed"},
	} {
		var got string
		err := b.pool.QueryRow(t.Context(), "select coalesce(string_agg(coalesce(code, '-'), ' ' order by o), '') from (select *, row_number() over () as o from "+c.sql+") x").Scan(&got)
		if err != nil {
			return fmt.Sprintf("%s: %v", c.sql, err)
		}
		if got != c.want {
			return fmt.Sprintf("%s: got %s, want %s", c.sql, got, c.want)
		}
	}
	return ""
}

// TestCodes: every refusal has its code.
func TestCodes(t *testing.T) {
	t.Parallel()
	if broken := newBench(t, "public", "Asia/Kathmandu").codes(t); broken != "" {
		t.Error(broken)
	}
}
