// Package crowd is the workload of `backlist bench web`: readers who sign in, rate books, and wait for lists that include their
// ratings. It measures a rating with its job in the transaction, and compares it with a rating without the job, with the job's
// work done in the request, and with the same SQL sent without a web server. Then it times the pages that readers read.
package crowd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/work"
)

// The contenders. All but the last are web processes.
const (
	NoJob    = "no job"
	WithJob  = "with job"
	Inlined  = "inline"
	SQLAlone = "SQL alone"
)

// Worker is the process that runs the jobs, before and after the contenders' turns.
const Worker = "worker"

// Config is the size of a measurement and its access to the product.
type Config struct {
	Rounds  int           // turns of each contender
	For     time.Duration // longest duration of a turn
	Readers int           // signed-in readers; in a turn each rates at most once
	SignIns int           // real sign-ins between the turns
	Waits   int           // ratings to time until the reader's page shows their result

	URL       string        // of an empty database
	RTT       time.Duration // that URL adds to each round trip
	Pool      *pgxpool.Pool // on URL, with as many connections as each contender has
	Program   []string      // starts a contender or the worker when its name is appended
	MailDelay time.Duration // the mail server's time for each mail

	// Seed loads the catalogue and invented readers with this password, and returns the readers' addresses.
	Seed func(ctx context.Context, pool *pgxpool.Pool, password string) (emails []string, err error)
	Jobs func(pool *pgxpool.Pool) (*work.Client, error) // returns a client that enqueues the product's jobs
	Say  func(format string, args ...any)               // reports progress
}

// measurement is one run.
type measurement struct {
	Config
	dir  string // for the processes' logs
	sink *mail.Sink
	crowd

	webs   map[string]*bench.Process // by contender
	cookie string                    // the session cookie's name
	turn   int                       // turns begun
	first  int                       // the reader with whom this turn begins
}

// Run runs the measurement and returns its report.
func Run(ctx context.Context, cfg Config) (report Report, err error) {
	m := &measurement{Config: cfg, webs: map[string]*bench.Process{}}
	report.Pool, report.mailDelay, report.RTT = int(m.Pool.Config().MaxConns), m.MailDelay, bench.Milliseconds(m.RTT)
	if m.dir, err = os.MkdirTemp("", "backlist-bench-"); err != nil {
		return report, err
	}
	defer os.RemoveAll(m.dir)
	if m.sink, err = mail.StartSink(mail.SinkConfig{Delay: m.MailDelay}); err != nil {
		return report, err
	}
	defer m.sink.Close()
	if report.Machine, err = bench.MachineOf(ctx, m.Pool); err != nil {
		return report, err
	}
	m.Say("creating %d readers with their ratings and sessions", m.Readers)
	if err := m.prepare(ctx); err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, m.stopWebs()) }()
	for _, name := range []string{NoJob, WithJob, Inlined} {
		if m.webs[name], err = m.start(ctx, name); err != nil {
			return report, err
		}
	}
	if err := m.learnCookie(ctx); err != nil {
		return report, err
	}
	if err := m.compare(ctx, &report); err != nil {
		return report, err
	}
	m.Say("timing ratings until the reader's page shows their result")
	if err := m.timeWaits(ctx, &report); err != nil {
		return report, err
	}
	m.Say("timing the pages that readers read")
	if err := m.timePages(ctx, &report); err != nil {
		return report, err
	}
	if report.Memory, err = bench.MemoryOf(ctx, m.webs[WithJob].PID()); err != nil {
		return report, err
	}
	report.Memory.Peak = max(report.Memory.Peak, report.watched.Peak)
	report.Mails = m.sink.Count()
	report.DistinctReaders, err = m.countActive(ctx)
	report.judge()
	return report, err
}

// start runs one of the measured processes, with a deployment's settings.
func (m *measurement) start(ctx context.Context, name string) (*bench.Process, error) {
	env := []string{
		"DATABASE_URL=" + m.URL, "SECRET_KEY=only for a measurement", "BASE_URL=https://backlist.example",
		"SMTP_URL=" + m.sink.URL(), fmt.Sprintf("WEB_POOL=%d", m.Pool.Config().MaxConns), "DYNO=bench.1", "LOG_FORMAT=logfmt",
	}
	args := append(m.Program[1:len(m.Program):len(m.Program)], name)
	return bench.Start(ctx, filepath.Join(m.dir, name+".log"), env, m.Program[0], args...)
}

func (m *measurement) stopWebs() error {
	var group errgroup.Group // together, because each takes a while to stop
	for _, web := range m.webs {
		if web != nil {
			group.Go(web.Stop)
		}
	}
	return group.Wait()
}
