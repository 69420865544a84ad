package drill

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a running role.
type process struct {
	role  Role
	cmd   *exec.Cmd
	ready chan struct{} // closed when it serves
	name  string        // once ready: a worker's id, or where a web process listens
	hit   time.Time     // when it was killed, stopped or cut off
	done  chan struct{} // closed when it has ended and all its output has been read
	err   error         // how it ended, once done
}

// errClosing means that the scenario is over, so that no further process is started.
var errClosing = errors.New("the scenario is over")

// start runs a role on a database in a process of its own. prefix is a command to run it with, such as ip netns exec. start
// returns errClosing once the stage is being closed.
func (s *stage) start(role Role, databaseURL string, prefix ...string) (*process, error) {
	text, err := json.Marshal(role)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, errClosing
	}
	log, err := os.Create(filepath.Join(s.logs, fmt.Sprintf("%03d-%s.log", len(s.processes), role.Name)))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	line := append(append(prefix, s.Program...), string(text))
	p := &process{role: role, cmd: exec.Command(line[0], line[1:]...), ready: make(chan struct{}), done: make(chan struct{})} // close ends it
	p.cmd.Env = append(os.Environ(), "DATABASE_URL="+databaseURL)
	p.cmd.Stderr = log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C at the terminal must reach only the drill
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if _, err := p.cmd.StdinPipe(); err != nil { // open until the drill ends
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role.Name, err)
	}
	s.processes = append(s.processes, p)
	go func() {
		s.read(p, out)
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// read records the events that a process prints, with the times of the drill's clock.
func (s *stage) read(p *process, out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "name":
			p.name = rest
			continue
		case "ready":
			close(p.ready)
			continue
		}
		var e event
		if _, err := fmt.Sscan(rest, &e.job, &e.attempt); err != nil {
			continue // an incomplete line of a killed process
		}
		e.at, e.worker = time.Now(), p.name
		s.journal.note(word == "start", e)
	}
}

// signal sends the process a signal. It ignores errors, because the process may have ended.
func (p *process) signal(what os.Signal) { _ = p.cmd.Process.Signal(what) }

// running reports whether the process serves.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
	}
	select {
	case <-p.ready:
		return true
	default:
		return false
	}
}

// event is the start or the end of an attempt.
type event struct {
	job     int64
	attempt int
	worker  string
	at      time.Time
}

// journal records the events of all processes.
type journal struct {
	mu     sync.Mutex
	starts map[int64][]event // by job
	ended  map[int64]bool    // by job: whether an attempt has ended
	open   map[string]int    // by worker: number of running attempts
	total  map[string]int    // by worker: number of started attempts
}

// newJournal returns an empty journal.
func newJournal() *journal {
	return &journal{starts: map[int64][]event{}, ended: map[int64]bool{}, open: map[string]int{}, total: map[string]int{}}
}

func (j *journal) note(start bool, e event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !start {
		j.open[e.worker]--
		j.ended[e.job] = true
		return
	}
	j.starts[e.job] = append(j.starts[e.job], e)
	j.open[e.worker]++
	j.total[e.worker]++
}

// busy returns the number of a worker's running attempts.
func (j *journal) busy(worker string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.open[worker]
}

// hasEnded reports whether an attempt of the job has ended.
func (j *journal) hasEnded(job int64) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.ended[job]
}

// worked returns the number of attempts that a worker has started.
func (j *journal) worked(worker string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.total[worker]
}

// twice returns the number of jobs that were started more than once.
func (j *journal) twice() (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, starts := range j.starts {
		if len(starts) > 1 {
			n++
		}
	}
	return n
}

// waits returns the times between the starts of a job's attempts.
func (j *journal) waits(job int64) (times []time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	starts := j.starts[job]
	for i := range len(starts) - 1 {
		times = append(times, starts[i+1].at.Sub(starts[i].at))
	}
	return times
}

// started returns the start of an attempt. ok is false if it did not start.
func (j *journal) started(job int64, attempt int) (at time.Time, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.starts[job] {
		if e.attempt == attempt {
			return e.at, true
		}
	}
	return time.Time{}, false
}
