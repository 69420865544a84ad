package simulate

import (
	"math"
	"math/rand/v2"
)

const grace = 25.0 // seconds from SIGTERM to the end of a worker and of what it still runs

// worker is a simulated worker process.
type worker struct {
	ordered  float64
	up       float64 // when it has booted
	stop     float64 // when it was told to stop; 0: it was not
	draining bool
	running  []run
}

// run is a job that a worker runs.
type run struct {
	job  int
	from float64
}

// end is the end of a run.
type end struct {
	at     float64
	job    int
	worker *worker
	begun  float64 // tells a run from one that was killed
}

// world is the simulated system: a queue, workers, and a platform.
type world struct {
	load    *Load
	chances *rand.Rand
	now     float64
	next    int   // job that arrives next
	queue   []int // ready jobs, oldest first
	head    int   // of the queue
	workers []*worker
	leaving []*worker
	ends    []end // a heap
	counts  []kindCount
	boots   []float64 // the latest boot times
	result  Result
	started []bool    // by job
	waits   []float64 // of first starts
	longest float64   // wait since the last point of the line
	running int
}

// kindCount is what is measured of a kind.
type kindCount struct {
	ready, running int
	arrived        int
	minutes        [15]moments
	due            int
}

// moments sum up run times.
type moments struct {
	minute       int
	n            int
	sum, squares float64
}

func newWorld(l *Load, seed uint64) *world {
	w := &world{load: l, chances: rand.New(rand.NewPCG(seed, 3)), counts: make([]kindCount, len(l.Kinds)), started: make([]bool, len(l.Jobs)), waits: make([]float64, 0, len(l.Jobs))}
	for range l.Start {
		w.workers = append(w.workers, &worker{}) // there from the beginning
	}
	return w
}

// until lets time pass.
func (w *world) until(t float64) {
	for {
		arrival, ended := math.Inf(1), math.Inf(1)
		if w.next < len(w.load.Jobs) {
			arrival = w.load.Jobs[w.next].At
		}
		if len(w.ends) > 0 {
			ended = w.ends[0].at
		}
		up, killed := w.upcoming()
		at := min(arrival, ended, up, killed)
		if at > t {
			w.now = t
			return
		}
		w.now = at
		switch at {
		case ended:
			w.finish(w.pop())
		case arrival:
			w.arrive()
		case killed:
			w.kill()
		}
		w.fetch()
	}
}

// upcoming returns when the next worker has booted, and when the next one is killed.
func (w *world) upcoming() (up, killed float64) {
	up, killed = math.Inf(1), math.Inf(1)
	for _, x := range w.workers {
		if x.up > w.now {
			up = min(up, x.up)
		}
	}
	for _, x := range w.leaving {
		killed = min(killed, x.stop+grace)
	}
	return up, killed
}

func (w *world) arrive() {
	kind := w.load.Jobs[w.next].Kind
	w.queue = append(w.queue, w.next)
	w.counts[kind].ready++
	w.counts[kind].arrived++
	w.next++
}

// fetch gives ready jobs to free slots. Workers fetch in no order: each free slot has the same chance.
func (w *world) fetch() {
	for w.head < len(w.queue) {
		free := 0
		for _, x := range w.workers {
			free += x.free(w)
		}
		if free == 0 {
			return
		}
		pick := w.chances.IntN(free)
		for _, x := range w.workers {
			if pick -= x.free(w); pick < 0 {
				w.begin(x, w.queue[w.head])
				break
			}
		}
		if w.head++; w.head > 10_000 && w.head*2 > len(w.queue) {
			w.queue = append(w.queue[:0], w.queue[w.head:]...)
			w.head = 0
		}
	}
}

func (x *worker) free(w *world) int {
	if x.up > w.now || x.draining {
		return 0
	}
	return w.load.Slots - len(x.running)
}

func (w *world) begin(x *worker, job int) {
	j := w.load.Jobs[job]
	w.counts[j.Kind].ready--
	w.counts[j.Kind].running++
	w.running++
	if wait := w.now - j.At; !w.started[job] {
		w.started[job] = true
		w.waits = append(w.waits, wait)
		w.longest = max(w.longest, wait)
	}
	x.running = append(x.running, run{job, w.now})
	w.push(end{w.now + j.Run, job, x, w.now})
}

// finish ends a run, unless it was killed before.
func (w *world) finish(e end) {
	for i, r := range e.worker.running {
		if r.job == e.job && r.from == e.begun {
			e.worker.running = append(e.worker.running[:i], e.worker.running[i+1:]...)
			j := w.load.Jobs[e.job]
			w.counts[j.Kind].running--
			w.running--
			w.counts[j.Kind].add(int(w.now/60), j.Run)
			break
		}
	}
	w.leave()
}

// leave removes the stopping workers that run nothing.
func (w *world) leave() {
	rest := w.leaving[:0]
	for _, x := range w.leaving {
		if len(x.running) == 0 {
			w.bill(x)
			continue
		}
		rest = append(rest, x)
	}
	w.leaving = rest
}

func (w *world) bill(x *worker) { w.result.DynoHours += (w.now - x.ordered) / 3600 }

// kill ends stopping workers whose grace is over. Their jobs start again, before others.
func (w *world) kill() {
	for _, x := range w.leaving {
		if x.stop+grace > w.now {
			continue
		}
		for _, r := range x.running {
			kind := w.load.Jobs[r.job].Kind
			w.counts[kind].running--
			w.counts[kind].ready++
			w.running--
			w.result.Killed++
			if w.head > 0 {
				w.head--
				w.queue[w.head] = r.job
			} else {
				w.queue = append([]int{r.job}, w.queue...)
			}
		}
		x.running = nil
	}
	w.leave()
}

// scale asks the platform for a number of workers. It removes the highest-numbered ones.
func (w *world) scale(n int) {
	if n == len(w.workers) {
		return
	}
	if w.chances.Float64() < w.load.Refused || math.Mod(w.now, 3*3600) < w.load.Outage {
		return
	}
	w.result.Changes++
	for len(w.workers) < n {
		boot := w.load.BootMin + w.chances.Float64()*(w.load.BootMax-w.load.BootMin)
		w.workers = append(w.workers, &worker{ordered: w.now, up: w.now + boot})
		if w.boots = append(w.boots, boot); len(w.boots) > 20 {
			w.boots = w.boots[1:]
		}
	}
	for _, x := range w.workers[n:] {
		x.stop = w.now
		w.leaving = append(w.leaving, x)
	}
	w.workers = w.workers[:n:n]
	w.leave()
	w.fetch()
}

// oldest returns the wait of the oldest ready job.
func (w *world) oldest() float64 {
	if w.head == len(w.queue) {
		return 0
	}
	return w.now - w.load.Jobs[w.queue[w.head]].At
}

func (w *world) ready() int { return len(w.queue) - w.head }

func (k *kindCount) add(minute int, run float64) {
	m := &k.minutes[minute%len(k.minutes)]
	if m.minute != minute {
		*m = moments{minute: minute}
	}
	m.n++
	m.sum += run
	m.squares += run * run
}

// push and pop keep ends a heap by time.
func (w *world) push(e end) {
	w.ends = append(w.ends, e)
	for i := len(w.ends) - 1; i > 0; {
		parent := (i - 1) / 2
		if w.ends[parent].at <= w.ends[i].at {
			return
		}
		w.ends[parent], w.ends[i] = w.ends[i], w.ends[parent]
		i = parent
	}
}

func (w *world) pop() end {
	first, last := w.ends[0], len(w.ends)-1
	w.ends[0] = w.ends[last]
	w.ends = w.ends[:last]
	for i := 0; ; {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < last && w.ends[child].at < w.ends[least].at {
				least = child
			}
		}
		if least == i {
			return first
		}
		w.ends[i], w.ends[least] = w.ends[least], w.ends[i]
		i = least
	}
}
