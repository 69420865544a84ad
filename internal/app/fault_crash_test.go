package app

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/testdb"
)

// TestCrashBetweenRatings: eight clients rate, each time as another reader, while the web process is killed repeatedly at
// random moments. A reader has a rating exactly if there is a job for it, and every acknowledged rating is stored.
func TestCrashBetweenRatings(t *testing.T) {
	t.Parallel()
	const clients, kills, readers = 8, 6, 1500
	databaseURL := testdb.NewURL(t)
	pool := catalogued(t, databaseURL)
	book := valueOf[int64](t, pool, "select min(id) from book")
	type generation struct {
		url  string
		next chan struct{} // closed when another has replaced it
	}
	var now atomic.Pointer[generation]
	visitors := newReaders(t, pool, func() string { return now.Load().url }, readers)

	var (
		mu       sync.Mutex
		answered = map[int64]int{} // reader → half stars
		lost     int               // requests without an answer
		next     = slices.Values(slices.Collect(maps.Keys(visitors)))
		queue    = make(chan int64)
		acked    = make(chan struct{}, readers)
	)
	web := start(t, databaseURL, nil, "web")
	now.Store(&generation{web.URL, make(chan struct{})})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		defer close(queue)
		for id := range next {
			select {
			case queue <- id:
			case <-ctx.Done():
				return
			}
		}
	}()
	var work sync.WaitGroup
	for range clients {
		work.Go(func() {
			for id := range queue {
				stars, asked := 1+rand.IntN(10), now.Load()
				a, err := visitors[id].ask(t.Context(), bookPath(book, "rating"), fields("stars", fmt.Sprintf("%.1f", float64(stars)/2)))
				mu.Lock()
				switch {
				case err != nil:
					lost++
				case a.StatusCode == http.StatusSeeOther:
					answered[id] = stars
					acked <- struct{}{}
				default:
					t.Errorf("reader %d: %s %s", id, a.Status, wordsOf(a.body))
				}
				mu.Unlock()
				if err != nil {
					select {
					case <-asked.next:
					case <-ctx.Done():
					}
				}
			}
		})
	}
	for kill := range kills {
		for range 10 + rand.IntN(80) {
			<-acked
		}
		web.kill()
		if kill < kills-1 {
			web = start(t, databaseURL, nil, "web")
			close(now.Swap(&generation{web.URL, make(chan struct{})}).next)
		}
	}
	stop()
	work.Wait()

	// The killed process's last transactions may still be open on the server.
	eventually(t, pool, "the dead processes' transactions end", `select not exists (
		select from pg_stat_activity where datname = current_database() and application_name = 'backlist' and xact_start is not null)`)
	rows, err := pool.Query(t.Context(), `
		select r.id, coalesce(g.stars, 0), r.ratings_version, (select count(*) from river.river_job j
			where j.kind = 'recommend_reader' and (j.args ->> 'reader_id')::bigint = r.id)
		from reader r left join rating g on g.reader_id = r.id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var rated int
	for rows.Next() {
		var id, version, jobs int64
		var stars int
		if err := rows.Scan(&id, &stars, &version, &jobs); err != nil {
			t.Fatal(err)
		}
		if stars > 0 {
			rated++
		}
		if has := stars > 0; has != (jobs == 1) || has != (version == 1) || jobs > 1 {
			t.Errorf("reader %d: %d half stars, version %d, %d jobs", id, stars, version, jobs)
		}
		if want := answered[id]; want != 0 && stars != want {
			t.Errorf("reader %d: the answer acknowledged %d half stars, the table has %d", id, want, stars)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if lost == 0 || rated < kills*10 {
		t.Errorf("%d requests failed, %d ratings: the processes were not killed at work", lost, rated)
	}
	t.Logf("%d ratings, %d of them answered; %d requests failed by %d kills", rated, len(answered), lost, kills)
}

// rescueByHand makes the job of a dead worker available again, unless the web process has rescued it first. That takes it
// some seconds.
func rescueByHand(t *testing.T, pool *pgxpool.Pool, kind string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), `
		with u as (update river.river_job set state = 'available', scheduled_at = now() where state = 'running' and kind = $1 returning queue)
		select pg_notify('river.river_insert', json_build_object('queue', queue)::text) from u`, kind); err != nil {
		t.Fatal(err)
	}
	if n := valueOf[int](t, pool, "select count(*) from river.river_job where state = 'available' and kind = $1", kind); n != 1 {
		t.Fatalf("%d jobs %s are available, not 1", n, kind)
	}
}

// TestWorkerKilledInJobs: a worker is killed while it stores a list and writes a letter. Another worker does both, once.
func TestWorkerKilledInJobs(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := catalogued(t, databaseURL)
	sink, smtp := faultSink(t, 0)
	env := []string{"SMTP_URL=" + smtp}
	web := start(t, databaseURL, nil, "web")
	odo := newCaller(web.URL)
	odo.signUp(t, "Odo", "odo@example.org")
	for id := range 3 {
		odo.must(t, http.StatusSeeOther, bookPath(int64(id+1), "rating"), fields("stars", "4.5"))
	}
	release := holding(t, databaseURL, "select from reader for update")
	first := start(t, databaseURL, env, "worker")
	eventually(t, pool, "both jobs wait for the reader", "select ("+waiters+") = 2")
	if n := valueOf[int](t, pool, `select count(*) from jobs.job where state = 'running' and attempt = 1 and kind in ('recommend_reader', 'deliver_mail')`); n != 2 {
		t.Fatalf("%d jobs are running, not 2", n)
	}
	first.kill()
	release()
	rescueByHand(t, pool, "recommend_reader")
	rescueByHand(t, pool, "deliver_mail")
	start(t, databaseURL, env, "worker")
	eventually(t, pool, "all jobs end", `select not exists (select from jobs.job where state not in ('completed'))`)
	check := func(what, sql string) {
		t.Helper()
		if !valueOf[bool](t, pool, sql) {
			t.Errorf("not true: %s", what)
		}
	}
	// The server may still execute a fetch that the dead worker had sent. That attempt is rescued too.
	check("each job took another attempt", `select min(attempt) >= 2 from jobs.job where kind = 'recommend_reader'
		or (kind = 'deliver_mail' and id = (select min(id) from jobs.job where kind = 'deliver_mail'))`)
	check("the one run includes the last rating", `select count(*) = 1 and bool_and(n.ratings_version = r.ratings_version)
		from reader r join recommendation_run n on n.reader_id = r.id`)
	check("the list has no gaps and no duplicates", `select count(*) > 0 and count(*) = max(rank) and count(distinct rank) = count(*) from recommendation`)
	check("one welcome mail was sent", `select count(*) = 1 and bool_and(state = 'sent') from message where kind = 'welcome'`)
	check("at most one letter about the list was sent", `select count(*) <= 1 from message where kind = 'ready'`)
	letters := valueOf[int](t, pool, "select count(*) from message")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := sink.Wait(ctx, letters); err != nil {
		t.Error(err)
	}
	if got := len(sink.Messages()); got != letters {
		t.Errorf("the mail server got %d letters, the table has %d", got, letters)
	}
}

// TestWorkerKilledWhileSending: the letter may have arrived or not, so it is not sent again.
func TestWorkerKilledWhileSending(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := openPool(t, databaseURL)
	_, smtp := faultSink(t, time.Hour)
	odo := newCaller(start(t, databaseURL, nil, "web").URL)
	odo.signUp(t, "Odo", "odo@example.org")
	first := start(t, databaseURL, []string{"SMTP_URL=" + smtp}, "worker")
	eventually(t, pool, "the letter is being sent", "select state = 'sending' from message")
	first.kill()
	rescueByHand(t, pool, "deliver_mail")
	quick, smtp := faultSink(t, 0)
	start(t, databaseURL, []string{"SMTP_URL=" + smtp}, "worker")
	eventually(t, pool, "the delivery ends", "select state = 'completed' from jobs.job where kind = 'deliver_mail'")
	if state := valueOf[string](t, pool, "select state from message"); state != mail.StateUnconfirmed {
		t.Errorf("the message is %s", state)
	}
	if n := len(quick.Messages()); n != 0 {
		t.Errorf("the letter was sent again, %d times", n)
	}
}

// lateLine is what a worker logs when it has not recorded a late attempt: with the attempt's end, or, if the worker was silent for so
// long that it cancelled its jobs first, with its outcome.
var lateLine = regexp.MustCompile(`(?:job lost to another attempt|code=late_attempt).*job_id=(\d+)`)

// TestLateAttempt: a worker is suspended while it runs two jobs, and resumes after others have done them. It changes nothing.
func TestLateAttempt(t *testing.T) {
	t.Parallel()
	databaseURL := testdb.NewURL(t)
	pool := catalogued(t, databaseURL)
	sink, smtp := faultSink(t, 0)
	line := newRelay(t, hostOf(t, smtp))
	line.HushAfter("\r\n.\r\n") // the server receives the letter, but its answer does not arrive
	odo := newCaller(start(t, databaseURL, nil, "web").URL)
	odo.signUp(t, "Odo", "odo@example.org")
	for id := range 3 {
		odo.must(t, http.StatusSeeOther, bookPath(int64(id+1), "rating"), fields("stars", "4"))
	}
	// The list's job waits while it computes, before its last transaction; the letter is being sent.
	release := holding(t, databaseURL, "lock table neighbour in access exclusive mode")
	late := start(t, databaseURL, []string{"SMTP_URL=" + line.Through(smtp)}, "worker")
	until(t, "the letter has arrived", func() bool { return sink.Count() == 1 })
	eventually(t, pool, "it is still being sent, and the list waits",
		"select (select state = 'sending' from message where kind = 'welcome') and ("+waiters+") >= 1 and (select state = 'running' from jobs.job where kind = 'recommend_reader')")
	late.tell(syscall.SIGSTOP)
	release()
	rescueByHand(t, pool, "recommend_reader")
	rescueByHand(t, pool, "deliver_mail")
	start(t, databaseURL, nil, "worker")
	eventually(t, pool, "the other worker finishes both", `select count(*) >= 2 and bool_and(state = 'completed')
		from jobs.job where kind in ('recommend_reader', 'deliver_mail')`)
	// The progress of the current attempt may be stored a moment after its effects.
	const everything = `select jsonb_build_object('jobs', (select jsonb_agg(to_jsonb(j) #- '{metadata,progress}' order by id) from river.river_job j where kind in ('recommend_reader', 'deliver_mail')),
		'mail', (select jsonb_agg(to_jsonb(m) order by id) from message m), 'run', (select jsonb_agg(to_jsonb(n)) from recommendation_run n),
		'list', (select jsonb_agg(to_jsonb(c) order by rank) from recommendation c))::text`
	before := valueOf[string](t, pool, everything)
	line.Flow()
	late.tell(syscall.SIGCONT)
	for jobs := map[string]bool{}; len(jobs) < 2; {
		jobs[lateLine.FindStringSubmatch(late.waitFor(lateLine))[1]] = true
	}
	late.tell(syscall.SIGTERM) // its completer writes its last outcomes
	late.exits()
	if after := valueOf[string](t, pool, everything); after != before {
		t.Errorf("the late attempt changed something:\nbefore %s\nafter  %s", before, after)
	}
	if valueOf[bool](t, pool, `select exists (select from river.river_job where metadata ? 'progress'
		and metadata -> 'progress' ->> 'of' <> trunc(extract(epoch from attempted_at) * 1000000)::text)`) {
		t.Error("a job has the progress of the late attempt")
	}
	if n := sink.Count(); n > 1 {
		t.Errorf("the late worker sent %d letters", n)
	}
}

// faultSink starts a mail server that takes delay for each letter, and returns it with its URL.
func faultSink(t *testing.T, delay time.Duration) (*mail.Sink, string) {
	t.Helper()
	sink, err := mail.StartSink(mail.SinkConfig{Delay: delay})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Close() })
	return sink, sink.URL()
}
