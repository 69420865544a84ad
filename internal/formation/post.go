package formation

import (
	"cmp"
	"errors"
	"os/exec"
	"slices"
	"sync"
	"time"
)

const (
	// restartIn is how long after its end a process is started again. It doubles with each end up to restartInMost, until a
	// process has run for steadyFor.
	restartIn     = time.Second
	restartInMost = time.Minute
	steadyFor     = time.Minute
)

// State says what a process of a formation does.
type State string

// The states. They are Heroku's, with two more for what Heroku does not show.
const (
	Up       State = "up"
	Paused   State = "paused"
	Stopping State = "stopping" // it leaves the formation
	Crashed  State = "crashed"  // it has ended, and will be started again
)

// Status describes a process of a formation.
type Status struct {
	Name  string
	PID   int
	Since time.Time // when it was started; when it ended, if it has crashed
	State State
	Exit  string // why it has crashed: "signal: killed", or its exit code and its last words
}

// post is a place in the formation: it has a process until it is told to leave.
type post struct {
	name  string
	cfg   Config
	write func(name, line string)
	leave chan struct{} // closed to make it leave
	ended chan struct{} // closed when it has left

	mu      sync.Mutex
	process *Process // the latest
	since   time.Time
	exit    string // how it ended; "" while it runs
	words   string // its last line of output
}

func newPost(cfg Config, name string, write func(name, line string)) *post {
	return &post{name: name, cfg: cfg, write: write, leave: make(chan struct{}), ended: make(chan struct{})}
}

// start starts a process.
func (p *post) start() error {
	p.mu.Lock()
	p.words = "" // before the process can say something
	p.mu.Unlock()
	process, err := Start(Command{
		Name: p.name, Args: p.cfg.Program, Env: append(slices.Clone(p.cfg.Env), "DYNO="+p.name), Line: p.said, Grace: p.cfg.Grace,
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.exit, p.since = err.Error(), time.Now()
		return err
	}
	p.process, p.since, p.exit = process, process.Since, ""
	return nil
}

// said records and writes a line of the process's output.
func (p *post) said(line string) {
	p.mu.Lock()
	p.words = line
	p.mu.Unlock()
	p.write(p.name, line)
}

// keep keeps a process running until the post is told to leave, and stops it then.
func (p *post) keep() {
	first := cmp.Or(p.cfg.Restart, restartIn)
	for wait := first; ; {
		process := p.current()
		select {
		case <-p.leave:
			if err := process.Stop(); err != nil {
				p.cfg.Log.Warn("a stopped process did not end well", "process", p.name, "err", err)
			}
			return
		case <-process.Done():
		}
		if time.Since(process.Since) > steadyFor {
			wait = first
		}
		p.crashed(process.Err())
		for started := false; !started; wait = min(2*wait, restartInMost) {
			p.cfg.Log.Warn("a process has crashed; it will be started again", "process", p.name, "exit", p.status().Exit, "in", wait)
			select {
			case <-p.leave:
				return
			case <-time.After(wait):
			}
			started = p.start() == nil
		}
	}
}

// crashed records how the process ended.
func (p *post) crashed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exit, p.since = "exit status 0", time.Now()
	if err != nil {
		p.exit = err.Error()
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); (!ok || exit.Exited()) && p.words != "" { // a killed process's words explain nothing
		p.exit += ": " + p.words
	}
}

// current returns the latest process.
func (p *post) current() *Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.process
}

func (p *post) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{Name: p.name, PID: p.process.PID(), Since: p.since, State: Up, Exit: p.exit}
	leaving := false
	select {
	case <-p.leave:
		leaving = true
	default:
	}
	switch {
	case leaving:
		s.State = Stopping
	case p.exit != "":
		s.State = Crashed
	case p.process.paused.Load():
		s.State = Paused
	}
	return s
}
