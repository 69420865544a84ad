// Package lab is the lesson that the site is built on, live: experiments that run on this very system, and draw what they
// measured. An experiment is a value (Experiment), and its run a row of table lab_run, which its page shows as it grows. What
// runs in a request, in jobs and in the database is real; only the mail server is slow on purpose.
package lab

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/formation"
	"github.com/backlist/backlist/internal/work"
)

// MailDelay is how long the lab's mail server takes for each mail, like the slow service of the lesson.
const MailDelay = 100 * time.Millisecond

// Config is what the lab works with.
type Config struct {
	DB   *pgxpool.Pool
	Jobs *work.Client // enqueues
	Slow *Slow        // does the slow steps that requests and jobs have in common
	Log  *slog.Logger
	Dev  bool // all experiments; otherwise those that need only a database

	// Page renders a page of the reader, with its queries.
	Page func(ctx context.Context, w io.Writer, readerID int64) error
	// Work runs a worker that takes only queue OwnQueue, with that many slots, until ctx ends. It calls ready once it takes jobs.
	Work func(ctx context.Context, slots int, ready func()) error
	// Workers runs worker processes that take only queue OwnQueue, for experiments that start and kill them; nil outside dev.
	Workers *formation.Local
}

// Lab runs experiments, one at a time in all processes.
type Lab struct {
	Config
	all     []Experiment
	ctx     context.Context // of the runs; a run outlives the request that starts it
	stop    context.CancelFunc
	running sync.WaitGroup
}

// New returns a lab. Close ends the run that this process may have.
func New(c Config) *Lab {
	l := &Lab{Config: c, all: Experiments()}
	l.ctx, l.stop = context.WithCancel(context.Background())
	return l
}

// Close ends a run of this process, and waits for it.
func (l *Lab) Close() {
	l.stop()
	l.running.Wait()
}

// Experiments returns the experiments that can be run here, in their order.
func (l *Lab) Experiments() []Experiment {
	return slices.DeleteFunc(slices.Clone(l.all), func(e Experiment) bool { return e.DevOnly && !l.Dev })
}

// Find returns the experiment with this slug; ok is false if there is none here.
func (l *Lab) Find(slug string) (e Experiment, ok bool) {
	here := l.Experiments()
	i := slices.IndexFunc(here, func(e Experiment) bool { return e.Slug == slug })
	if i < 0 {
		return e, false
	}
	return here[i], true
}
