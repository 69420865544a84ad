package pilot

import (
	"reflect"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivershared/riverpilot"
	"github.com/riverqueue/river/rivertype"

	"github.com/backlist/backlist/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// TestFetchIsRivers: our statement fetches the same jobs as River's, in the order in which they are to run, with the same fields.
func TestFetchIsRivers(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	for _, queue := range []string{"ours", "rivers"} {
		_, err := pool.Exec(t.Context(), `
			insert into river.river_job (kind, args, queue, priority, scheduled_at, state, attempt, max_attempts, attempted_by, errors, metadata, tags,
				unique_key, unique_states, created_at)
			select kind, args::jsonb, $1, priority, now() - make_interval(secs => ago), state::river.river_job_state, attempt, 5, by, errors::jsonb[],
				metadata::jsonb, tags, sha256(convert_to($1 || unique_key, 'UTF8')), states::bit(8), timestamptz '2026-01-01 00:00Z'
			from (values
				('a', '{"n": 1}', 2, 60, 'available', 0, null::text[], null::text[], '{}', '{}'::text[], null::text, null::text),
				('a', '{"n": 2}', 1, 30, 'available', 1, '{w1}', array['{"at": "2026-01-01T00:00:00Z", "attempt": 1, "error": "é\n\"x\"", "trace": "t"}'],
					'{"request_id": "r"}', '{x1,"y2"}', null, null),
				('b', '{}', 1, 60, 'available', 0, '{}', '{}', '{}', '{}', 'k', '11110101'),
				('a', '{"text": "ü"}', 1, 10, 'available', 2, (select array_agg('w' || i order by i) from generate_series(1, 100) i), null, '{}', '{}', null, null),
				('a', '{}', 1, -60, 'available', 0, null, null, '{}', '{}', null, null),
				('unknown', '{}', 1, 60, 'available', 0, null, null, '{}', '{}', null, null),
				('a', '{}', 1, 60, 'retryable', 1, null, null, '{}', '{}', null, null)
			) v (kind, args, priority, ago, state, attempt, by, errors, metadata, tags, unique_key, states)`, queue)
		if err != nil {
			t.Fatal(err)
		}
	}
	line := NewConn(nil, "", nil, false)
	driver := NewWorkerDriver(pool, "me", line, nil)
	params := func(queue string) *riverdriver.JobGetAvailableParams {
		return &riverdriver.JobGetAvailableParams{
			ClientID: "me", Kind: []string{"a", "b"}, MaxAttemptedBy: 100, MaxToLock: 3, Queue: queue, Schema: "river",
		}
	}
	rivers, err := (&riverpilot.StandardPilot{}).JobGetAvailable(t.Context(), riverpgxv5.New(pool).GetExecutor(), nil, params("rivers"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := driver.pilot.(*Pilot).fetch(t.Context(), params("ours"))
	if err != nil {
		t.Fatal(err)
	}
	if len(ours.Jobs) != 3 || len(rivers.Jobs) != 3 || ours.DecodeErrors != nil {
		t.Fatalf("ours %d, River's %d jobs; %v", len(ours.Jobs), len(rivers.Jobs), ours.DecodeErrors)
	}
	byArgs := map[string]*rivertype.JobRow{}
	for _, job := range rivers.Jobs {
		byArgs[string(job.EncodedArgs)] = job
	}
	order := []string{"{}", `{"n": 2}`, `{"text": "ü"}`}
	for i, job := range ours.Jobs {
		if string(job.EncodedArgs) != order[i] {
			t.Errorf("job %d is %s, not %s", i, job.EncodedArgs, order[i])
		}
		want := byArgs[string(job.EncodedArgs)]
		if want == nil {
			t.Errorf("River did not take %s", job.EncodedArgs)
			continue
		}
		same(t, job, want)
	}
}

// same compares all fields except those in which the two queues differ.
func same(t *testing.T, ours, rivers *rivertype.JobRow) {
	t.Helper()
	a, b := *ours, *rivers
	if a.AttemptedAt == nil || time.Since(*a.AttemptedAt) > time.Minute {
		t.Errorf("%s was attempted at %v", a.EncodedArgs, a.AttemptedAt)
	}
	a.ID, a.Queue, a.AttemptedAt, a.ScheduledAt, a.UniqueKey = b.ID, b.Queue, b.AttemptedAt, b.ScheduledAt, b.UniqueKey
	if a.CreatedAt.Equal(b.CreatedAt) {
		a.CreatedAt = b.CreatedAt
	}
	for i := range a.Errors {
		if i < len(b.Errors) && a.Errors[i].At.Equal(b.Errors[i].At) {
			a.Errors[i].At = b.Errors[i].At
		}
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("ours and River's row:\n%#v\n%#v", a, b)
	}
}

// TestFetchTellsWhatItCannotRead: an unreadable row does not delay the others and is not lost.
func TestFetchTellsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	_, err := pool.Exec(t.Context(), `insert into river.river_job (kind, args, max_attempts, errors, tags, attempted_by, created_at, attempt)
		values ('a', '{}', 5, array['"no object"'::jsonb], '{}', null, now(), 0),
			('a', '{}', 5, '{null}', '{null}', '{null,null}', 'infinity', 32767),
			('a', '{}', 5, '{{null}}', '{{a},{b}}', '{{a},{b}}', '-infinity', 1),
			('a', '{}', 5, null, '{}', null, now(), 0)`)
	if err != nil {
		t.Fatal(err)
	}
	line := NewConn(nil, "", nil, false)
	driver := NewWorkerDriver(pool, "me", line, nil)
	res, err := driver.pilot.(*Pilot).fetch(t.Context(), &riverdriver.JobGetAvailableParams{
		ClientID: "me", MaxAttemptedBy: 100, MaxToLock: 10, Queue: "default", Schema: "river",
	})
	if err != nil || len(res.Jobs) != 4 || len(res.DecodeErrors) != 1 || res.DecodeErrors[res.Jobs[0].ID] == nil {
		t.Fatalf("%+v, %v", res, err)
	}
}

// TestClean: jobs that are old enough are deleted, the oldest first and at most as many as asked for; no others are.
func TestClean(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	_, err := pool.Exec(t.Context(), `
		insert into river.river_job (kind, args, max_attempts, state, finalized_at, queue)
		select state || '-' || hours, '{}', 5, state::river.river_job_state, now() - make_interval(hours => hours), case when hours = 99 then 'kept' else 'default' end
		from unnest('{completed,cancelled,discarded}'::text[]) state, unnest('{1,30,40,50,99}'::int[]) hours;
		insert into river.river_job (kind, args, max_attempts, state) select 'unfinished', '{}', 5, s::river.river_job_state
		from unnest('{available,running,retryable,scheduled,pending}'::text[]) s`)
	if err != nil {
		t.Fatal(err)
	}
	driver := NewDriver(pool)
	clean := func(most int) int {
		t.Helper()
		day := time.Now().Add(-24 * time.Hour)
		n, err := driver.pilot.(*Pilot).JobDeleteBefore(t.Context(), driver.GetExecutor(), &riverdriver.JobDeleteBeforeParams{
			CompletedDoDelete: true, CompletedFinalizedAtHorizon: day,
			CancelledDoDelete: false, CancelledFinalizedAtHorizon: day,
			DiscardedDoDelete: true, DiscardedFinalizedAtHorizon: time.Now().Add(-45 * time.Hour),
			Max: most, QueuesExcluded: []string{"kept"}, Schema: "river",
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := clean(2); n != 2 || exists(t, pool, "completed-50") || exists(t, pool, "completed-40") || !exists(t, pool, "completed-30") {
		t.Errorf("the first two deleted are not the oldest completed ones (%d)", n)
	}
	if n := clean(100); n != 2 {
		t.Errorf("%d more were deleted, not one completed and one discarded", n)
	}
	var left int
	if err := pool.QueryRow(t.Context(), "select count(*) from river.river_job").Scan(&left); err != nil || left != 20-4 {
		t.Errorf("%d jobs are left, %v", left, err)
	}
	if exists(t, pool, "discarded-50") || !exists(t, pool, "discarded-40") || !exists(t, pool, "cancelled-99") || !exists(t, pool, "completed-99") {
		t.Error("the wrong ones were deleted")
	}
}

func exists(t *testing.T, pool *pgxpool.Pool, kind string) (found bool) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "select exists (select from river.river_job where kind = $1)", kind).Scan(&found); err != nil {
		t.Fatal(err)
	}
	return found
}
