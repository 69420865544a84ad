package pilot

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivershared/riverpilot"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/testdb"
)

type someArgs struct {
	N    int    `json:"n" river:"unique"`
	Text string `json:"text,omitempty"`
}

func (someArgs) Kind() string { return "some" }

// columnsOf are the columns of river_job that an insert must know.
const columnsOf = `select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum)
	from pg_attribute where attrelid = 'river.river_job'::regclass and attnum > 0 and not attisdropped`

// TestInsertConforms: our insert of one job writes and returns the row that River's does, for every option, also for duplicates.
func TestInsertConforms(t *testing.T) {
	t.Parallel()
	ctx, tx := t.Context(), testdb.Tx(t)
	var columns string
	if err := tx.QueryRow(ctx, columnsOf).Scan(&columns); err != nil {
		t.Fatal(err)
	}
	const known = "id bigint, state river.river_job_state, attempt smallint, max_attempts smallint, attempted_at timestamp with time zone, " +
		"created_at timestamp with time zone, finalized_at timestamp with time zone, scheduled_at timestamp with time zone, priority smallint, " +
		"args jsonb, attempted_by text[], errors jsonb[], kind text, metadata jsonb, queue text, tags character varying(255)[], " +
		"unique_key bytea, unique_states bit(8)"
	if columns != known {
		t.Fatalf("the columns of river_job changed, so insert.sql may lack one: %s", columns)
	}
	var fields []string
	for field := range reflect.TypeFor[riverdriver.JobInsertFastParams]().Fields() {
		fields = append(fields, field.Name)
	}
	if got := strings.Join(fields, " "); got != "ID Args CreatedAt EncodedArgs Kind MaxAttempts Metadata Priority Queue ScheduledAt State Tags UniqueKey UniqueStates" {
		t.Fatalf("what River hands an insert changed: %s", got)
	}
	at := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	unique := func(u river.UniqueOpts) *river.InsertOpts { return &river.InsertOpts{UniqueOpts: u} }
	for name, opts := range map[string]*river.InsertOpts{
		"no options":           nil,
		"priority and queue":   {Priority: 4, Queue: "other_queue"},
		"attempts":             {MaxAttempts: 1},
		"more attempts":        {MaxAttempts: 1 << 20},
		"scheduled":            {ScheduledAt: at},
		"scheduled for now":    {ScheduledAt: at.Add(-2 * time.Hour)},
		"pending":              {Pending: true},
		"tags":                 {Tags: []string{"one", "two-2"}},
		"metadata":             {Metadata: []byte(`{"a": {"b": [1, "ü"]}}`)},
		"unique by args":       unique(river.UniqueOpts{ByArgs: true}),
		"unique by period":     unique(river.UniqueOpts{ByPeriod: 24 * time.Hour}),
		"unique by queue":      unique(river.UniqueOpts{ByQueue: true, ByArgs: true}),
		"unique by state":      unique(river.UniqueOpts{ByArgs: true, ByState: rivertype.UniqueOptsByStateDefault()}),
		"unique, all states":   unique(river.UniqueOpts{ByArgs: true, ByState: rivertype.JobStates()}),
		"unique, without kind": unique(river.UniqueOpts{ByArgs: true, ExcludeKind: true}),
	} {
		t.Run(name, func(t *testing.T) {
			for _, meet := range []string{"", "update river.river_job set state = 'running', attempt = 2, attempted_at = now(), attempted_by = '{a,b}', errors = array['{\"at\": \"2026-01-02T03:04:05Z\", \"attempt\": 1, \"error\": \"boom\", \"trace\": \"\"}'::jsonb]"} {
				ours, ourRow := inserted(t, tx, &Pilot{}, opts, meet)
				rivers, riversRow := inserted(t, tx, &riverPilot{}, opts, meet)
				if ourRow != riversRow {
					t.Errorf("the rows differ:\nours   %s\nRiver's %s", ourRow, riversRow)
				}
				if !reflect.DeepEqual(ours, rivers) {
					t.Errorf("the results differ:\nours    %+v\nRiver's %+v", ours, rivers)
				}
			}
		})
	}
}

// riverPilot inserts with River's own statement.
type riverPilot struct{ Pilot }

func (p *riverPilot) JobInsertMany(
	ctx context.Context, tx riverdriver.ExecutorTx, params *riverdriver.JobInsertFastManyParams,
) ([]*riverdriver.JobInsertFastResult, error) {
	dueNow(params.Jobs)
	return p.StandardPilot.JobInsertMany(ctx, tx, params)
}

// inserted inserts a job, and with meet another one after that statement. It returns the last result and all rows, without what
// differs between two runs, and undoes everything.
func inserted(t *testing.T, tx pgx.Tx, pilot riverpilot.Pilot, opts *river.InsertOpts, meet string) (*rivertype.JobInsertResult, string) {
	t.Helper()
	ctx := t.Context()
	client, err := river.NewClient(&Driver{Driver: riverpgxv5.New(nil), pilot: pilot}, &river.Config{Schema: "river"})
	if err != nil {
		t.Fatal(err)
	}
	tx, err = tx.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	insert := func() *rivertype.JobInsertResult {
		res, err := client.InsertTx(ctx, tx, someArgs{N: 1, Text: "ü"}, opts)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	res := insert()
	if meet != "" {
		if _, err := tx.Exec(ctx, meet); err != nil {
			t.Fatal(err)
		}
		res = insert()
	}
	var rows string
	err = tx.QueryRow(ctx, `select string_agg((to_jsonb(j) - 'id' - 'created_at' || case when abs(extract(epoch from scheduled_at - now())) < 60
		then '{"scheduled_at": "now"}' else '{}'::jsonb end)::text, E'\n' order by id) from river.river_job j`).Scan(&rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []*time.Time{&res.Job.CreatedAt, &res.Job.ScheduledAt} {
		if time.Since(*at).Abs() < time.Minute {
			*at = time.Time{}
		}
	}
	res.Job.ID = 0
	return res, rows
}

// TestNoticesOfManyQueues: jobs of several queues are announced in one round trip, each queue once.
func TestNoticesOfManyQueues(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `listen "river.river_insert"`); err != nil {
		t.Fatal(err)
	}
	client, err := river.NewClient(NewDriver(pool), &river.Config{Schema: "river"})
	if err != nil {
		t.Fatal(err)
	}
	insert := func(ctx context.Context, queues ...string) {
		t.Helper()
		var params []river.InsertManyParams
		for i, queue := range queues {
			params = append(params, river.InsertManyParams{Args: someArgs{N: i}, InsertOpts: &river.InsertOpts{Queue: queue}})
		}
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			_, err := client.InsertManyTx(ctx, tx, params)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	insert(t.Context(), "a", "b", "c", "a")
	insert(t.Context(), "d")
	var got []string
	for range 4 {
		n, err := conn.Conn().WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, n.Payload)
	}
	slices.Sort(got[:3])
	if want := `[{"queue": "a"} {"queue": "b"} {"queue": "c"} {"queue": "d"}]`; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}
