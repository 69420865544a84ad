package crowd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/recommend"
	"github.com/backlist/backlist/internal/web"
)

const (
	// think is the time that a reader takes from one request to the next.
	think = 30 * time.Second
	// watching is how long a reader keeps a live page open.
	watching = 10 * time.Second
	// settling is how long the jobs of a load may take after its end.
	settling = 30 * time.Second
	// holds is the p99 up to which a rate holds.
	holds = 200 * time.Millisecond
	// searchTime is the duration of each rate that is tried.
	searchTime = 20 * time.Second
)

// LoadConfig is a load test: the size of the site, the load and the access to the product.
type LoadConfig struct {
	Size      demo.Size
	PerMinute float64
	For       time.Duration
	Find      bool // look for the highest rate that holds
	MailDelay time.Duration

	Pool    *pgxpool.Pool                      // on a site that Site.Fill has made, with as many connections as the web process
	URL     string                             // of its database, for the processes
	Program []string                           // starts the process web or worker when its name is appended
	Secret  string                             // of the processes
	Routes  chi.Routes                         // of the site
	Site    func(web.DB) (http.Handler, error) // returns the site on a database, in this process
	Say     func(format string, args ...any)   // reports progress
}

// load is one run.
type load struct {
	LoadConfig
	*guests
	mix    Mix
	visits []bench.Visit
	client *http.Client
	sink   *mail.Sink
	dir    string // for the processes' logs
	site   *bench.Process
	worker *bench.Process
	cookie string
	plan   []bench.Arrival
	open   sync.WaitGroup // pages that readers keep open
}

// Load runs a load test and returns its report.
func Load(ctx context.Context, cfg LoadConfig) (report LoadReport, err error) {
	l := &load{LoadConfig: cfg, mix: SiteMix(), client: bench.NewClient(1000)}
	if err := l.mix.Covers(l.Routes); err != nil {
		return report, err
	}
	report.Size, report.PerMinute, report.Seconds, report.mailDelay = l.Size, l.PerMinute, l.For.Seconds(), l.MailDelay
	if report.Machine, err = bench.MachineOf(ctx, l.Pool); err != nil {
		return report, err
	}
	stop, err := l.start(ctx)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return report, err
	}
	if err := l.makeError(ctx); err != nil {
		return report, err
	}
	l.Say("warming up")
	if _, err := l.offer(ctx, l.PerMinute/60, min(l.For, 10*time.Second)); err != nil {
		return report, err
	}
	l.Say("%.0f requests a minute for %s", l.PerMinute, l.For)
	if err := l.measure(ctx, &report); err != nil {
		return report, err
	}
	if l.Find {
		if err := l.find(ctx, &report); err != nil {
			return report, err
		}
	}
	report.judge()
	return report, nil
}

// start starts the mail server, the worker and the web process, and signs readers in. stop ends them, also after an error.
func (l *load) start(ctx context.Context) (stop func() error, err error) {
	var stops []func() error
	stop = func() (err error) {
		l.client.CloseIdleConnections()
		for _, end := range stops {
			err = errors.Join(err, end())
		}
		return err
	}
	if l.dir, err = os.MkdirTemp("", "backlist-bench-"); err != nil {
		return stop, err
	}
	stops = append(stops, func() error { return os.RemoveAll(l.dir) })
	if l.sink, err = mail.StartSink(mail.SinkConfig{Delay: l.MailDelay}); err != nil {
		return stop, err
	}
	stops = append([]func() error{l.sink.Close}, stops...)
	for name, process := range map[string]**bench.Process{"web": &l.site, "worker": &l.worker} {
		if *process, err = l.startProcess(ctx, name); err != nil {
			return stop, err
		}
		stops = append([]func() error{(*process).Stop}, stops...)
	}
	if l.guests, err = newGuests(ctx, l.Pool, l.Size, l.Secret); err != nil {
		return stop, err
	}
	// On a large site it takes all processors for minutes, which belong to a machine of the workers' own.
	if _, err := l.Pool.Exec(ctx, "update work.schedule set paused_at = now() where kind = $1", recommend.NeighboursArgs{}.Kind()); err != nil {
		return stop, fmt.Errorf("pause the rebuild of the neighbours: %w", err)
	}
	l.cookie, err = l.learnCookie(ctx)
	return stop, err
}

func (l *load) startProcess(ctx context.Context, name string) (*bench.Process, error) {
	env := []string{
		"DATABASE_URL=" + l.URL, "SECRET_KEY=" + l.Secret, "BASE_URL=https://backlist.example", "SMTP_URL=" + l.sink.URL(),
		"DYNO=" + name + ".1", "LOG_FORMAT=logfmt",
	}
	args := append(l.Program[1:len(l.Program):len(l.Program)], name)
	return bench.Start(ctx, filepath.Join(l.dir, name+".log"), env, l.Program[0], args...)
}

// offer offers a rate for a while, and returns the replies.
func (l *load) offer(ctx context.Context, perSecond float64, during time.Duration) ([]bench.Reply, error) {
	l.visits = make([]bench.Visit, len(l.mix))
	for i, v := range l.mix {
		l.visits[i] = bench.Visit{Route: v.name(), Weight: v.weight, Do: func(ctx context.Context, n int) error { return l.visit(ctx, i, n) }}
	}
	l.plan = bench.Schedule(l.visits, perSecond, during)
	// Readers take turns, so that each thinks for about the time between its turns.
	members := max(20, int(perSecond*think.Seconds()))
	if err := l.prepare(ctx, l.mix, l.plan, members); err != nil {
		return nil, err
	}
	pages, closePages := context.WithCancel(ctx)
	defer l.open.Wait()
	defer closePages()
	replies := bench.Offer(context.WithValue(ctx, pagesKey{}, pages), l.visits, l.plan)
	return replies, ctx.Err()
}

type pagesKey struct{}

// visit makes the n-th request of a visit.
func (l *load) visit(ctx context.Context, i, n int) error {
	v := l.mix[i]
	number := l.another()
	a := v.make(l.guests, n, l.of(l.mix, bench.Arrival{Visit: i, N: n}, int(number)))
	r, err := l.request(ctx, v, a, number)
	if err != nil {
		return err
	}
	if v.stream {
		return l.watch(ctx, r)
	}
	resp, err := l.client.Do(r)
	if err != nil {
		return err
	}
	if err := bench.Drain(resp); err != nil {
		return err
	}
	if want := max(v.want, http.StatusOK); resp.StatusCode != want {
		return fmt.Errorf("%s was answered %s, not %d", a.path, resp.Status, want)
	}
	return nil
}

// request returns a request like those of the platform's router. Each comes from another address.
func (l *load) request(ctx context.Context, v visit, a ask, number int64) (*http.Request, error) {
	method, _, _ := strings.Cut(v.route, " ")
	body, kind := a.form.Encode(), "application/x-www-form-urlencoded"
	if v.upload {
		body, kind = uploadForm(a.form.Get("file"))
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+l.site.Addr+a.path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", number>>16&255, number>>8&255, number&255))
	if a.token != "" {
		r.Header.Set("Cookie", l.cookie+"="+a.token)
	}
	return r, nil
}

// watch opens a live page, and keeps it open for a while after the answer began.
func (l *load) watch(ctx context.Context, r *http.Request) error {
	pages, _ := ctx.Value(pagesKey{}).(context.Context)
	streams := *l.client
	streams.Timeout = 0
	open, shut := context.WithCancel(pages)
	events, err := bench.OpenEvents(open, &streams, r)
	if err != nil {
		shut()
		return err
	}
	timer := time.AfterFunc(watching, shut)
	l.open.Go(func() {
		defer events.Close()
		defer shut()
		defer timer.Stop()
		for err == nil {
			_, err = events.Next()
		}
	})
	return nil
}

// learnCookie signs a reader in to learn the name of the session's cookie.
func (l *load) learnCookie(ctx context.Context) (string, error) {
	v := visit{route: "POST /signin"}
	r, err := l.request(ctx, v, ask{path: "/signin", form: url.Values{"email": {"reader-0@" + demo.MemberDomain}, "password": {Password}}}, l.another())
	if err != nil {
		return "", err
	}
	resp, err := l.client.Do(r)
	if err != nil {
		return "", err
	}
	if err := bench.Drain(resp); err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		return "", fmt.Errorf("a sign-in was answered %s, without a session", resp.Status)
	}
	return resp.Cookies()[0].Name, nil
}
