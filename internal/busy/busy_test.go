package busy_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/busy"
	"github.com/backlist/backlist/internal/testdb"
)

// asWorker is set in the processes that the load starts: they are this test program too.
const asWorker = "BACKLIST_TEST_BUSY"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) == "" {
		os.Setenv(asWorker, "1")
		testdb.Main(m)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	err := busy.Serve(ctx, os.Args[len(os.Args)-1], os.Getenv("DATABASE_URL"), os.Stdin, os.Stdout,
		slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// patience is how long a test waits for something that happens soon unless the machine is busy.
const patience = 2 * time.Minute

// promised are the states and outcomes that the load shows, each with a query that returns them.
var promised = []struct {
	sql  string
	want []string
}{
	{"select distinct state::text from jobs.job", []string{
		"available", "cancelled", "completed", "discarded", "pending", "retryable", "running", "scheduled",
	}},
	{"select distinct waiting from jobs.job where waiting is not null", []string{
		"all_draining", "backing_off", "duplicate", "no_worker_for_kind", "no_worker_for_queue", "paused", "pending", "scheduled", "unreadable",
	}},
	{"select distinct outcome from jobs.attempt", []string{
		"cancelled", "completed", "discarded", "failed", "handed back", "held", "lost", "snoozed",
	}},
	{"select distinct code from jobs.attempt where code is not null", []string{"worker_died"}},
	{"select 'poisonous' from jobs.job where kind = 'import_feed' and deaths > 0", []string{"poisonous"}},
	{"select 'rescued' from jobs.attempt a join jobs.attempt b using (job_id) where a.code = 'worker_died' and b.started_at > a.ended_at", []string{"rescued"}},
	{"select 'panic' from jobs.attempt where trace is not null and kind = 'resize_cover' limit 1", []string{"panic"}},
	{"select distinct release from jobs.attempt where kind = 'send_invoice' and outcome = 'discarded'", []string{"v42"}},
	{"select distinct release from jobs.release", []string{"v39", "v40", "v41", "v42"}},
	{"select 'progress' from jobs.job where progress > 0 and kind = 'nightly_report'", []string{"progress"}},
	{"select 'logs' from jobs.job where kind = 'nightly_report' and logs is not null", []string{"logs"}},
	{"select 'waterfall' from jobs.request r where r.route = '/orders' and (select count(*) from jobs.waterfall(r.id)) > 3 limit 1", []string{"waterfall"}},
	{"select 'child' from jobs.job c join jobs.job p on p.id = c.parent_id where p.kind = 'fulfil_order'", []string{"child"}},
	{"select 'redacted' from jobs.job where kind = 'deliver_webhook' and args ->> 'signing_secret' = '[redacted]'", []string{"redacted"}},
	{"select 'tagged' from jobs.job where 'partner' = any (tags)", []string{"tagged"}},
	{"select distinct last_outcome from jobs.schedule where last_outcome is not null", []string{"enqueued", "skipped"}},
	{"select 'missed' from jobs.schedule where missed > 0 and name = 'catalogue feed'", []string{"missed"}},
	{"select 'broken' from jobs.schedule where broken is not null and name = 'shelf count'", []string{"broken"}},
	{"select 'paused' from jobs.schedule where paused", []string{"paused"}},
	{"select 'reason' from jobs.queue where paused and paused_reason is not null", []string{"reason"}},
	{"select 'draining' from jobs.live where draining", []string{"draining"}},
	{"select 'muted' from jobs.error where muted", []string{"muted"}},
	{"select distinct act from jobs.audit where act <> 'enqueue'", []string{"cancel", "drain", "mute", "pause", "resolve", "snooze"}},
	{"select 'past' from jobs.minute where minute < now() - interval '20 days' limit 1", []string{"past"}},
}

// TestLoad: the load reaches every state that it promises, and leaves nothing behind when it stops.
func TestLoad(t *testing.T) {
	t.Parallel()
	url := testdb.NewURL(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	go func() {
		ended <- busy.Run(ctx, busy.Config{
			URL: url, Program: []string{self}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Output: t.Output(), Fill: 200,
			DeadlyAfter: time.Second, KillEvery: 2 * time.Second, DeployAfter: 300 * time.Millisecond,
		})
	}()
	began := time.Now()
	missing := map[string][]string{}
	for _, p := range promised {
		missing[p.sql] = slices.Clone(p.want)
	}
	for len(missing) > 0 {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the load ended: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
		for sql, want := range missing {
			rows, _ := pool.Query(t.Context(), sql)
			found, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			missing[sql] = slices.DeleteFunc(want, func(w string) bool { return slices.Contains(found, w) })
			if len(missing[sql]) == 0 {
				delete(missing, sql)
				t.Logf("after %s: %s", time.Since(began).Round(time.Millisecond), sql)
			}
		}
		if time.Since(began) > patience {
			t.Fatalf("the load did not reach %v", missing)
		}
	}
	t.Logf("all after %s", time.Since(began))
	began = time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	t.Logf("stopped after %s", time.Since(began))
	for _, table := range []string{
		"jobs.job", "jobs.live", "jobs.worker", "jobs.kind", "(select queue from jobs.queue where queue not in ('alone', 'singly'))", "jobs.schedule", "jobs.release",
		"jobs.attempt", "jobs.error", "work.minute", "work.error_hour", "jobs.request",
	} {
		var left []string
		rows, _ := pool.Query(t.Context(), "select t::text from "+table+" t limit 5")
		if left, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(left) > 0 {
			t.Errorf("%s has rows of the load: %v\n%s", table, err, strings.Join(left, "\n"))
		}
	}
}

// TestReleaseBroke: the jobs of one kind fail under the newer release only, and nothing else does.
func TestReleaseBroke(t *testing.T) {
	t.Parallel()
	url := testdb.NewURL(t)
	began := time.Now()
	b, err := busy.ReleaseBroke(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("set up in %s: %+v", time.Since(began), b)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	rows, _ := pool.Query(t.Context(), `select format('%s %s %s %s', kind, release, outcome, count(*)) from jobs.attempt group by kind, release, outcome order by 1`)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, kind := range []string{"charge_card", "deliver_webhook", "fulfil_order", "index_book", b.Kind} {
		for _, release := range []string{b.Older, b.Newer} {
			if kind == b.Kind && release == b.Newer {
				want = append(want, fmt.Sprintf("%s %s discarded 20", kind, release), fmt.Sprintf("%s %s failed 20", kind, release))
			} else {
				want = append(want, fmt.Sprintf("%s %s completed 20", kind, release))
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the attempts are %q", got)
	}
	var errors, waterfall, live int
	err = pool.QueryRow(t.Context(), `select (select count(*) from jobs.error where kinds = array[$1] and first_release = $2),
		(select count(*) from jobs.waterfall($3)), (select count(*) from jobs.live)`, b.Kind, b.Newer, b.RequestID).Scan(&errors, &waterfall, &live)
	if err != nil || errors != 1 || waterfall < 6 || live != 0 || len(b.Jobs) != 20 {
		t.Errorf("%d errors, %d lines of the waterfall, %d workers, %d jobs; %v", errors, waterfall, live, len(b.Jobs), err)
	}
	var leads bool
	err = pool.QueryRow(t.Context(), `select exists (select from jobs.finding_now f join jobs.error e on e.fingerprint = f.search
		where f.code = 'release_fails' and f.subject = $1 and f.page = 'error' and e.first_release = $2)`, b.Kind, b.Newer).Scan(&leads)
	if err != nil || !leads {
		t.Errorf("no finding leads to the error that the release brought; %v", err)
	}
	var retried, undone int
	err = pool.QueryRow(t.Context(), "select count(*) from jobs.retry($1::bigint[]) where changed", b.Jobs).Scan(&retried)
	if err == nil {
		err = pool.QueryRow(t.Context(), "select count(*) from jobs.undo((select max(id) from jobs.audit)) where changed").Scan(&undone)
	}
	if err != nil || retried != 20 || undone != 20 {
		t.Errorf("%d jobs retried, %d undone; %v", retried, undone, err)
	}
}
