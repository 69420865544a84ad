package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// TestHerokuRehearsal plays the life of a deployment: build, release, postdeploy, first visitor, and a deploy during which
// both generations run.
func TestHerokuRehearsal(t *testing.T) {
	t.Parallel()
	a := newHerokuApp(t, 20)
	a.bin = slug(t)
	a.oneOff("release.1", a.types["release"])
	a.oneOff("scheduler.1", readManifest(t).Scripts["postdeploy"])
	db := a.databaseOfApp()
	if n := valueOf[int](t, db, "select count(*) from book"); n < 300 {
		t.Errorf("postdeploy loaded %d books", n)
	}
	if n := valueOf[int](t, db, "select count(*) from reader"); n != 0 {
		t.Errorf("postdeploy invented %d readers", n)
	}

	first := a.up("web.1")
	a.up("worker.1")
	a.up("worker.2")
	var current atomic.Pointer[string]
	current.Store(&first.URL)
	base := func() string { return *current.Load() }
	odo := a.visit(base)
	secrets := a.firstVisit(odo)

	// A deploy runs the release phase beside the old dynos, then the new dynos while the old ones still work.
	a.oneOff("release.2", a.types["release"])
	second := a.up("web.1")
	a.up("worker.1")
	a.up("worker.2")
	old := a.generation(0)
	most := a.busyBoth(first.URL, second.URL, odo)
	if most > 18 {
		t.Errorf("both generations took %d connections; two of 20 should be left", most)
	}
	t.Logf("both generations at work: %d connections of 20", most)
	a.oneOff("run.1", `backlist psql -- -Atc "select 'works'"`) // the two that are left suffice for an operator
	current.Store(&second.URL)
	for _, p := range old {
		p.tell(syscall.SIGTERM)
	}
	for _, p := range old {
		p.exits()
	}
	odo.must(t, http.StatusOK, "/recommendations", nil)

	a.oneOff("run.2", "backlist operator add odo@example.org")
	link := regexp.MustCompile(`https://\S+/reset/(\S+)`).FindStringSubmatch(a.oneOff("run.3", "backlist reader reset odo@example.org"))
	if link == nil || !strings.HasPrefix(link[0], "https://"+appHost+"/") {
		t.Fatalf("the reset link is %v", link)
	}
	a.visit(base).must(t, http.StatusOK, "/reset/"+link[1], nil)
	secrets["reset token"] = link[1]
	for _, p := range a.generation(1) {
		p.tell(syscall.SIGTERM)
		p.exits()
	}
	if a.tls.plain.Load() != 0 || a.tls.secure.Load() == 0 {
		t.Errorf("%d connections without TLS, %d with", a.tls.plain.Load(), a.tls.secure.Load())
	}
	a.checkLogs(secrets)
}

// firstVisit is the first reader's visit. It returns the secrets that no log may contain.
func (a *herokuApp) firstVisit(odo *caller) map[string]string {
	t := a.t
	t.Helper()
	plain := a.visit(odo.base)
	plain.header.Set("X-Forwarded-Proto", "http")
	if to := plain.must(t, http.StatusPermanentRedirect, "/books?q=emma", nil).Header.Get("Location"); to != "https://"+appHost+"/books?q=emma" {
		t.Errorf("plain HTTP leads to %q", to)
	}
	page := odo.must(t, http.StatusOK, "/signup", nil)
	if page.Header.Get("Strict-Transport-Security") == "" || page.Header.Get("X-Request-Id") != odo.header.Get("X-Request-Id") {
		t.Errorf("headers %v", page.Header)
	}
	odo.signUp(t, "Odo", "odo@example.org")
	for _, c := range odo.set {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %s: Secure %t, HttpOnly %t, SameSite %d", c.Name, c.Secure, c.HttpOnly, c.SameSite)
		}
	}
	var letter string
	until(t, "the welcome mail is in the mailbox", func() bool {
		box := odo.must(t, http.StatusOK, "/mailbox", nil)
		link := regexp.MustCompile(`href="(/mailbox/\d+)"`).FindStringSubmatch(box.body)
		if link == nil {
			return false
		}
		letter = odo.must(t, http.StatusOK, link[1], nil).body
		return strings.Contains(letter, "Dear Odo")
	})
	if !strings.Contains(letter, "https://"+appHost+"/books") {
		t.Errorf("the welcome mail leads elsewhere: %s", wordsOf(letter))
	}
	for id := range 4 {
		odo.must(t, http.StatusSeeOther, fmt.Sprintf("/books/%d/rating", id+1), fields("stars", "4.5"))
	}
	a.visit(odo.base).must(t, http.StatusSeeOther, "/forgot", fields("email", "odo@example.org"))
	a.visit(odo.base).must(t, http.StatusUnprocessableEntity, "/signin", fields("email", "odo@example.org", "password", "a wrong guess it is"))
	u, _ := url.Parse(strings.TrimPrefix(a.config[0], "DATABASE_URL="))
	inURL, _ := u.User.Password()
	secrets := map[string]string{
		"password": callersPassword, "wrong password": "a wrong guess it is", "e-mail address": "odo@example.org",
		"session token": odo.cookies["__Host-backlist"], "database password": inURL,
	}
	for _, pair := range a.config[1:] {
		name, value, _ := strings.Cut(pair, "=")
		secrets[name] = value
	}
	return secrets
}

// generation returns the dynos of the formation that were started before the first deploy (0) or after it (1).
func (a *herokuApp) generation(n int) []*process {
	var long []*process
	for _, p := range a.dynos {
		if readyLine.MatchString(p.output()) {
			long = append(long, p)
		}
	}
	return long[3*n : 3*n+3]
}

// busyBoth keeps all processes of both generations busy until every pool is full, and returns the highest number of
// connections.
func (a *herokuApp) busyBoth(first, second string, odo *caller) (most int) {
	a.t.Helper()
	ctx, cancel := context.WithCancel(a.t.Context())
	defer cancel()
	var work sync.WaitGroup
	var wrong atomic.Int64
	for i := range 12 {
		base := []string{first, second}[i%2]
		v := a.visit(func() string { return base })
		v.cookies["__Host-backlist"] = odo.cookies["__Host-backlist"]
		work.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				res, err := v.ask(a.t.Context(), fmt.Sprintf("/books/%d/rating", 1+(n+i)%300), fields("stars", "3"))
				if err != nil || res.StatusCode != http.StatusSeeOther {
					wrong.Add(1)
				}
			}
		})
	}
	const enough = 2 * time.Second // pools grow with the load, and give no signal when they are full
	for end := time.Now().Add(enough); time.Now().Before(end); {
		most = max(most, a.connections())
	}
	cancel()
	work.Wait()
	if wrong.Load() > 0 {
		a.t.Errorf("%d requests failed while both generations ran", wrong.Load())
	}
	return most
}

var (
	logfmtLine = regexp.MustCompile(`^(?:[\w.]+=(?:"(?:[^"\\]|\\.)*"|[^\s"=]*)(?: |$))+$`)
	timeKey    = regexp.MustCompile(`(?:^| )time=`)
)

// checkLogs checks the output of all dynos: it is logfmt without the time, which the platform adds, and has no secrets.
func (a *herokuApp) checkLogs(secrets map[string]string) {
	t := a.t
	t.Helper()
	lines := 0
	for _, p := range a.dynos {
		out := p.output()
		for what, secret := range secrets {
			if what == "reset token" && strings.Contains(p.cmd.String(), "reader reset") || what == "e-mail address" && strings.Contains(p.cmd.String(), "operator add") {
				continue // the user at the terminal asked for it
			}
			if secret == "" || strings.Contains(out, secret) {
				t.Errorf("%s: the output contains the %s, or that is empty", p.cmd, what)
			}
		}
		if strings.Contains(p.cmd.String(), "backlist operator") || strings.Contains(p.cmd.String(), "backlist reader") || strings.Contains(p.cmd.String(), "backlist psql") {
			continue
		}
		for line := range strings.Lines(out) {
			line = strings.TrimRight(line, "\n")
			lines++
			if !logfmtLine.MatchString(line) || timeKey.MatchString(line) || len(line) > 10_000 {
				t.Errorf("%s: not a valid log line on Heroku: %.300q", p.cmd, line)
			}
		}
	}
	if lines < 50 {
		t.Errorf("only %d lines of log", lines)
	}
}

// TestTooFewConnections: processes refuse a database with too few connections for the formation, and wait for one whose
// connections are all taken.
func TestTooFewConnections(t *testing.T) {
	t.Parallel()
	small := newHerokuApp(t, 12)
	full := newHerokuApp(t, 20)
	for _, a := range []*herokuApp{small, full} {
		a.bin = programNamedBacklist(t)
		a.config = append(a.config, asProgram+"=1")
		a.oneOff("release.1", a.types["release"])
	}
	for _, kind := range []string{"web", "worker"} {
		out, err := outcome(t, small.dyno(kind+".1", small.types[kind]))
		if err == nil || !strings.Contains(out, "the database allows 12 connections; Backlist needs at least 20") {
			t.Errorf("%s with 12 connections: %v\n%s", kind, err, out)
		}
	}

	// Twenty other clients hold all connections. A process that starts now logs that it waits, and continues when one is free.
	cfg, err := pgxpool.ParseConfig(strings.TrimPrefix(full.config[0], "DATABASE_URL="))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.ConnConfig.TLSConfig == nil || full.tls.sslmode == "" {
		cfg.ConnConfig.Host, cfg.ConnConfig.Port = full.admin.Config().ConnConfig.Host, full.admin.Config().ConnConfig.Port
		cfg.ConnConfig.TLSConfig, cfg.ConnConfig.Fallbacks = nil, nil
	}
	var others []*pgx.Conn
	for range 20 {
		conn, err := pgx.ConnectConfig(t.Context(), cfg.ConnConfig)
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, conn)
	}
	web := full.dyno("web.1", full.types["web"])
	line := web.waitFor(regexp.MustCompile(`no connection left`))
	if !logfmtLine.MatchString(line) {
		t.Errorf("not a valid log line: %q", line)
	}
	worker := full.dyno("worker.1", full.types["worker"])
	worker.waitFor(regexp.MustCompile(`no connection left`))
	worker.tell(syscall.SIGTERM) // a stop while it waits is not a failure
	worker.exits()
	for _, conn := range others {
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	web.waitFor(readyLine)
}
