package formation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Config describes the processes of a Local. Type, Program, Output and Log must be set.
type Config struct {
	Type    string        // the process type, which names the processes: worker.1, worker.2
	Program []string      // the command that each runs; it must stop at the end of its standard input
	Env     []string      // added to the environment of this process; each process also gets its name as DYNO
	Output  io.Writer     // gets the processes' output, each line with the process's name before it
	Log     *slog.Logger  // of the formation itself
	Grace   time.Duration // as in Command
	Restart time.Duration // until a process that has ended is started again; 0: 1 s. It doubles with each end.
}

// Local is a formation of equal processes on this machine. Like a platform it starts a process again when it ends, and removes
// the highest-numbered ones first.
type Local struct {
	cfg Config

	writing sync.Mutex // Output

	mu      sync.Mutex
	posts   []*post // by number
	leaving []*post
	stopped bool
}

// ErrStopped is returned by a formation that has stopped.
var ErrStopped = errors.New("the processes are being stopped")

// NewLocal returns a formation without processes.
func NewLocal(cfg Config) *Local { return &Local{cfg: cfg} }

// Run waits until ctx ends, stops all processes, and returns when they have ended.
func (l *Local) Run(ctx context.Context) {
	<-ctx.Done()
	l.mu.Lock()
	l.stopped = true
	l.removeAbove(0)
	leaving := slices.Clone(l.leaving)
	l.mu.Unlock()
	for _, p := range leaving {
		<-p.ended
	}
}

// Scale sets the number of processes. It returns when new ones have been started and surplus ones have ended, or when ctx ends;
// the surplus ones end nevertheless.
func (l *Local) Scale(ctx context.Context, n int) error {
	if n < 0 {
		return fmt.Errorf("there cannot be %d processes", n)
	}
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return ErrStopped
	}
	removed := l.removeAbove(n)
	err := l.addUpTo(n)
	l.mu.Unlock()
	for _, p := range removed {
		select {
		case <-p.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// removeAbove makes all processes leave but the first n.
func (l *Local) removeAbove(n int) (removed []*post) {
	if len(l.posts) > n {
		l.posts, removed = l.posts[:n:n], l.posts[n:]
	}
	l.leaving = append(l.leaving, removed...)
	for _, p := range removed {
		close(p.leave)
	}
	return removed
}

// addUpTo starts processes until there are n, or one cannot be started.
func (l *Local) addUpTo(n int) error {
	for len(l.posts) < n {
		p := newPost(l.cfg, fmt.Sprintf("%s.%d", l.cfg.Type, len(l.posts)+1), l.write)
		if err := p.start(); err != nil {
			return err
		}
		l.posts = append(l.posts, p)
		go func() {
			p.keep()
			l.forget(p)
			close(p.ended)
		}()
	}
	return nil
}

// write writes a line of a process's output.
func (l *Local) write(name, line string) {
	l.writing.Lock()
	defer l.writing.Unlock()
	fmt.Fprintf(l.cfg.Output, "%s | %s\n", name, line)
}

// forget removes a process that has left from the list.
func (l *Local) forget(gone *post) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaving = slices.DeleteFunc(l.leaving, func(p *post) bool { return p == gone })
}

// List returns the processes by number, and then those that are leaving.
func (l *Local) List() (list []Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range slices.Concat(l.posts, l.leaving) {
		list = append(list, p.status())
	}
	return list
}

// Kill ends a process at once, as the system does when memory runs out. It is started again.
func (l *Local) Kill(name string) error { return l.each(name, (*Process).Kill) }

// Pause suspends a process.
func (l *Local) Pause(name string) error { return l.each(name, (*Process).Pause) }

// Continue continues a paused process.
func (l *Local) Continue(name string) error { return l.each(name, (*Process).Continue) }

// each does something to the process of this name.
func (l *Local) each(name string, do func(*Process)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.posts {
		if p.name == name {
			do(p.current())
			return nil
		}
	}
	return fmt.Errorf("there is no process %s", name)
}
