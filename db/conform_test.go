package db_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

// scenario is a verb with all kinds of jobs that it may be called on.
type scenario struct {
	name  string
	seed  func(b *bench) string
	steps []step
	// added returns the notices that SQL sends in addition to River, from River's rows.
	added func(before, after outcome) []string
	// moreRefused: SQL refuses where River silently does nothing.
	moreRefused bool
}

// onEvery calls a verb on every job of everyJob, and on one that does not exist.
func onEvery(verb string, inGo func(ctx context.Context, c *river.Client[pgx.Tx], id int64) error) []step {
	var steps []step
	for id := int64(1); id <= missing; id++ {
		steps = append(steps, step{
			name: fmt.Sprint(id),
			inGo: func(ctx context.Context, c *river.Client[pgx.Tx]) error { return inGo(ctx, c, id) },
			sql:  "select * from jobs." + verb + "($1::bigint, 'why')", args: []any{id},
		})
	}
	return steps
}

// toldOfRetries: River's JobRetry sends no notice; ours notifies the queue of each job that changed.
func toldOfRetries(before, after outcome) (list []string) {
	for i, row := range after.Rows {
		if fmt.Sprint(row) != fmt.Sprint(before.Rows[i]) {
			list = append(list, fmt.Sprintf(`river_insert {"queue": "%v"}`, row["queue"]))
		}
	}
	return list
}

// verbs returns the scenarios of River's verbs except Insert.
func verbs() []scenario {
	seedQueues := func(b *bench) string {
		return fmt.Sprintf(`insert into %s (name, created_at, metadata, paused_at, updated_at) values
			('a', '2021-01-02', '{"x": 1}', null, '2021-01-03'), ('b', '2021-01-02', '{}', '2021-01-04', '2021-01-03'), ('c', '2021-01-02', '{}', null, '2021-01-03');`, b.table("river_queue"))
	}
	queues := func(verb string, inGo func(ctx context.Context, c *river.Client[pgx.Tx], queue string) error) (steps []step) {
		for _, q := range []string{"a", "b", "*", "none"} {
			steps = append(steps, step{
				name: q, inGo: func(ctx context.Context, c *river.Client[pgx.Tx]) error { return inGo(ctx, c, q) },
				sql: "select * from jobs." + verb + "($1, 'why')", args: []any{q}, fresh: true,
			})
		}
		return steps
	}
	return []scenario{
		{
			name: "retry", seed: everyJob, added: toldOfRetries, moreRefused: true,
			steps: onEvery("retry", func(ctx context.Context, c *river.Client[pgx.Tx], id int64) error {
				_, err := c.JobRetry(ctx, id)
				return err
			}),
		},
		{
			name: "cancel", seed: everyJob, moreRefused: true,
			steps: onEvery("cancel", func(ctx context.Context, c *river.Client[pgx.Tx], id int64) error {
				_, err := c.JobCancel(ctx, id)
				return err
			}),
		},
		{
			name: "delete", seed: everyJob,
			steps: onEvery("delete", func(ctx context.Context, c *river.Client[pgx.Tx], id int64) error {
				_, err := c.JobDelete(ctx, id)
				return err
			}),
		},
		{
			name: "pause", seed: seedQueues,
			steps: queues("pause", func(ctx context.Context, c *river.Client[pgx.Tx], q string) error { return c.QueuePause(ctx, q, nil) }),
		},
		{
			name: "resume", seed: seedQueues,
			steps: queues("resume", func(ctx context.Context, c *river.Client[pgx.Tx], q string) error { return c.QueueResume(ctx, q, nil) }),
		},
	}
}

// compare runs a scenario by River's client (unless that was done before) and by SQL, and returns the differences.
func (b *bench) compare(t *testing.T, s scenario, ref *reference) string {
	t.Helper()
	if ref.river == nil {
		before := b.observe(t, s.seed(b), nil, nil)
		river := b.observe(t, s.seed(b), s.steps, b.byGo)
		ref.river = &river
		if s.added != nil {
			ref.added = s.added(before, river)
		}
	}
	ours := b.observe(t, s.seed(b), s.steps, b.bySQL)
	if s.moreRefused { // what River silently ignores
		ours.Refused = slices.DeleteFunc(ours.Refused, func(r string) bool {
			return strings.HasSuffix(r, "refused") && !slices.Contains(ref.river.Refused, r)
		})
	}
	return differs(*ref.river, ours, ref.added)
}

// reference is the outcome of a scenario with River's client.
type reference struct {
	river *outcome
	added []string
}

// places are the databases in which the verbs are compared: ours, and two of plain River programs.
var places = []struct{ schema, zone string }{{"river", "UTC"}, {"public", "Pacific/Chatham"}, {"Shop_Jobs", "America/St_Johns"}}

// TestConformance: SQL does the same as River's Go client, column by column and notice by notice.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, place := range places {
		t.Run(place.schema, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, place.schema, place.zone)
			for _, s := range append(verbs(), snoozes(), inserts(), ownOptions(), copies()) {
				ref := &reference{}
				if diff := b.compare(t, s, ref); diff != "" {
					t.Errorf("%s: %s", s.name, diff)
				}
				if len(ref.river.Rows) == 0 || len(ref.river.Notices)+len(ref.added) == 0 && s.name != "delete" && s.name != "snooze" {
					t.Errorf("%s: River changed nothing, so there is nothing to compare", s.name)
				}
			}
			for _, verb := range []string{"retry", "cancel", "delete"} {
				if diff := b.inBulk(t, verb, &reference{}); diff != "" {
					t.Errorf("%s of many: %s", verb, diff)
				}
			}
		})
	}
}

// inBulk makes one call with all ids. It does the same to the jobs as the client does one by one.
func (b *bench) inBulk(t *testing.T, verb string, ref *reference) string {
	t.Helper()
	i := slices.IndexFunc(verbs(), func(s scenario) bool { return s.name == verb })
	s := verbs()[i]
	if ref.river == nil {
		river := b.observe(t, s.seed(b), s.steps, b.byGo)
		river.Refused, river.Notices = nil, nil // it refuses with a note, and equal notices in one transaction are sent once
		ref.river = &river
	}
	all := step{sql: fmt.Sprintf("select * from jobs.%s(array(select generate_series(%d, 1, -1))::bigint[], 'why')", verb, missing)}
	ours := b.observe(t, s.seed(b), []step{all}, b.bySQL)
	ours.Notices = nil
	return differs(*ref.river, ours, nil)
}
