package drill

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/backlist/backlist/internal/formation"
)

// process is a running role.
type process struct {
	*formation.Process
	role  Role
	ready chan struct{} // closed when it serves
	name  string        // once ready: a worker's id, or where a web process listens
	hit   time.Time     // when it was killed, stopped or cut off
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
	p := &process{role: role, ready: make(chan struct{})}
	p.Process, err = formation.Start(formation.Command{
		Name: role.Name, Args: append(append(prefix, s.Program...), string(text)), Env: []string{"DATABASE_URL=" + databaseURL},
		Log: log, Line: func(line string) { s.read(p, line) },
	})
	if err != nil {
		return nil, err
	}
	s.processes = append(s.processes, p)
	return p, nil
}

// read records an event that a process prints, with the time of the drill's clock.
func (s *stage) read(p *process, line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "name":
		p.name = rest
		return
	case "ready":
		close(p.ready)
		return
	}
	var e event
	if _, err := fmt.Sscan(rest, &e.job, &e.attempt); err != nil {
		return // an incomplete line of a killed process
	}
	e.at, e.worker = time.Now(), p.name
	s.journal.note(word == "start", e)
}

// running reports whether the process serves.
func (p *process) running() bool {
	select {
	case <-p.Done():
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
