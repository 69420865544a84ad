package busy

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/backlist/backlist/internal/formation"
)

const (
	// restartIn is how long after its end a process is started again.
	restartIn = time.Second
	// endLimit is how long a process may take to end before it is killed.
	endLimit = 10 * time.Second
)

// post is a worker process that is started again whenever it ends, as a platform does.
type post struct {
	program  []string
	url      string
	log      *slog.Logger
	output   io.Writer // of the processes' logs
	occupied chan struct{}
	first    sync.Once

	mu      sync.Mutex
	role    role
	process *formation.Process // the latest; nil before the first
	worker  string             // its id, once it takes jobs
}

// run keeps a process running until ctx ends, and then stops it. It returns an error if no process can be started.
func (p *post) run(ctx context.Context) error {
	for {
		process, err := p.start()
		if err != nil {
			return err
		}
		select {
		case <-process.Done():
		case <-ctx.Done():
			_ = process.Stop() // it may end by any signal
			return nil
		}
		p.log.WarnContext(ctx, "a worker process of the demo load ended; it is started again", "name", process.Name, "after", time.Since(process.Since))
		if wait(ctx, restartIn) != nil {
			return nil
		}
	}
}

// start starts a process in the post's role.
func (p *post) start() (process *formation.Process, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, err := json.Marshal(p.role)
	if err != nil {
		return nil, err
	}
	process, err = formation.Start(formation.Command{
		Name: p.role.Name, Args: append(p.program[:len(p.program):len(p.program)], string(text)), Env: []string{"DATABASE_URL=" + p.url},
		Log: p.output, Line: p.ready, Grace: endLimit,
	})
	if err == nil {
		p.process, p.worker = process, ""
	}
	return process, err
}

// ready records the id that a process prints once it takes jobs.
func (p *post) ready(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.worker = id
	p.first.Do(func() { close(p.occupied) })
}

// kill ends the process at once.
func (p *post) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.process.Kill()
}

// deploy stops the process; the next one runs another release.
func (p *post) deploy(release string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.role.Release = release
	p.process.Signal(syscall.SIGTERM)
}

// id returns the id of the worker that runs now, "" if none takes jobs.
func (p *post) id() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.worker
}
