package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/internal/demo"
	"github.com/backlist/backlist/internal/mail"
)

// demoPassword opens the invented readers' accounts in dev. Outside dev they have a password that nobody knows.
const demoPassword = "a quiet evening"

// sinkDelay is how long dev's mail server takes for a mail: the slow service that the lesson is about.
const sinkDelay = 100 * time.Millisecond

// runDev runs the whole product until ctx ends: what it needs it starts, and what it started it stops.
func runDev(ctx context.Context, p *program, _ []string) error {
	log := newLogger(p.Stderr, p.cfg)
	p.cfg.Dev = true
	// First, so that a taken port is said before anything is started; and for this machine only: dev's passwords are known.
	listener, err := listen("localhost", p.cfg.Port)
	if err != nil {
		return err
	}
	defer listener.Close()
	fmt.Fprintln(p.Stdout, "Starting Postgres …")
	url, release, err := p.databaseURL(ctx, log)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer release()
	if p.cfg.SecretKey == "" {
		p.cfg.SecretKey = devSecret(url)
	}
	if p.cfg.BaseURL == "" {
		p.cfg.BaseURL = fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	}
	reader, err := p.prepareDev(ctx, url)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	if p.cfg.SMTPURL == "" {
		sink, err := mail.StartSink(mail.SinkConfig{Delay: sinkDelay, Log: log})
		if err != nil {
			return fmt.Errorf("mail server: %w", err)
		}
		defer sink.Close()
		p.cfg.SMTPURL = sink.URL()
	}
	p.explain(reader)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.serve(ctx, log.With("process", "web"), url, listener) })
	group.Go(func() error { return p.workUntil(ctx, log.With("process", "worker"), url) })
	err = group.Wait()
	fmt.Fprintln(p.Stdout, "\nStopped. Everything is kept for next time.")
	return err
}

// prepareDev brings schema, catalogue and invented readers up to date and returns one reader to sign in as.
func (p *program) prepareDev(ctx context.Context, url string) (demo.Reader, error) {
	pool, err := open(ctx, url, 2)
	if err != nil {
		return demo.Reader{}, err
	}
	defer pool.Close()
	log := newLogger(p.Stderr, p.cfg)
	if err := migrate(ctx, pool, log); err != nil {
		return demo.Reader{}, err
	}
	// For the commands beside us, such as reader reset: the port may be another one than last time.
	if _, err := pool.Exec(ctx, `insert into site (base_url) values ($1)
		on conflict (only_row) do update set base_url = excluded.base_url, learnt_at = now()`, p.cfg.BaseURL); err != nil {
		return demo.Reader{}, fmt.Errorf("store the site's address: %w", err)
	}
	readers, err := p.seed(ctx, pool, log, demoPassword)
	if err != nil {
		return demo.Reader{}, err
	}
	return readers[0], nil
}

// devSecret is stable from run to run, because links in mails that were already sent must stay good: it follows from
// the private database's own password.
func devSecret(databaseURL string) string {
	sum := sha256.Sum256([]byte("backlist dev secret " + databaseURL[:strings.LastIndex(databaseURL, "@")+1]))
	return hex.EncodeToString(sum[:])
}

func (p *program) explain(reader demo.Reader) {
	data := ""
	if p.dataDir != "" {
		data = " --data " + p.dataDir
	}
	fmt.Fprintf(p.Stdout, `
Backlist is running.

  The site       %[1]s
  Invented readers: sign in as %[2]s
                    with the password "%[3]s"

Try: sign up, rate three books you know, and open Recommendations: the page answers at once, the list arrives when the
worker has made it. Mail goes to a slow mail server here (100 ms each); read it under Mailbox.

  SQL            go run ./cmd/backlist psql%[4]s
  Jobs           go run ./cmd/backlist jobs list%[4]s

Ctrl-C stops everything.

`, p.cfg.BaseURL, reader.Email, demoPassword, data)
}
