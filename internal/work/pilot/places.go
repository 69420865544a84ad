package pilot

import (
	"sync"
	"time"
)

// places remembers how far this process has fetched in each queue. While a snapshot is held open elsewhere, as by pg_dump or a
// forgotten transaction, Postgres keeps the index entries of all jobs that were fetched since, and each fetch from the front reads
// them again: the rate halves within a minute. So does a fetch that must pass many jobs of kinds that it does not take.
//
// A fetch from behind the last place misses jobs that became available in front of it: retries, rescued and released jobs, and jobs
// of transactions that took long. So it is used only while there is a backlog, or while fetching from the front is slow, and never
// for longer than frontLatest. A job of a higher priority is not missed, because each priority has a place of its own.
type places struct {
	mu     sync.Mutex
	queues map[string]*queuePlaces
}

type queuePlaces struct {
	last    [priorities]place
	front   time.Time     // when the last fetch from the front ended
	took    time.Duration // how long it took
	backlog bool          // the last fetch brought as many jobs as it might
	fetched time.Time     // when the last fetch ended
}

// place is that of a job among those of its priority in the order in which they are to run.
type place struct {
	due time.Time
	id  int64
}

const (
	// priorities is the number of River's priorities, which begin with 1.
	priorities = 4
	// frontShare is how much longer jobs are fetched from behind than the last fetch from the front took, which bounds its cost.
	frontShare = 16
	// frontSoonest and frontLatest bound that time. A job in front waits no longer than frontLatest and one fetch.
	frontSoonest = 100 * time.Millisecond
	frontLatest  = 800 * time.Millisecond
	// frontSlow is how long a fetch from the front takes if it passes very many entries.
	frontSlow = 50 * time.Millisecond
	// overlap is how far behind a place a fetch begins if there is no backlog, so that jobs of transactions that took less do not
	// wait for a fetch from the front.
	overlap = 100 * time.Millisecond
)

// behind returns the places of a queue behind which to fetch now, and when to fetch from the front next. ok is false if that is
// now.
func (p *places) behind(queue string) (last [priorities]place, until time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[queue]
	if q == nil || !q.backlog && q.took < frontSlow {
		return last, until, false
	}
	last = q.last
	for i := range last {
		if !q.backlog {
			last[i] = place{due: last[i].due.Add(-overlap)}
		}
	}
	until = q.front.Add(min(max(frontShare*q.took, frontSoonest), frontLatest))
	return last, until, time.Now().Before(until)
}

// fetchedFront notes a fetch from the front. It began at the time began and found jobs up to these places. Without a backlog it
// found all that were due at the time now, and otherwise those of higher priorities than the last job's.
func (p *places) fetchedFront(queue string, began time.Time, found [priorities]place, now time.Time, backlog bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[queue]
	if q == nil {
		q = &queuePlaces{}
		p.queues[queue] = q
	}
	q.front, q.took, q.backlog, q.fetched = time.Now(), time.Since(began), backlog, time.Now()
	all := !backlog
	for i := priorities - 1; i >= 0; i-- {
		switch {
		case found[i] != place{}:
			q.last[i], all = found[i], true
		case all:
			q.last[i] = place{due: now}
		}
	}
}

// fetchedBehind notes a fetch from behind the places. slow reports whether to fetch from the front was slow.
func (p *places) fetchedBehind(queue string, found [priorities]place, backlog bool) (slow bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[queue]
	q.backlog, q.fetched = backlog, time.Now()
	for i, f := range found {
		if f != (place{}) {
			q.last[i] = f
		}
	}
	return q.took >= frontSlow
}

// idle returns those of the queues from which nothing was fetched for some time. Queues whose front is slow to read are not polled
// by looking for a job; they are woken instead, and the fetch decides where it begins.
func (p *places) idle(queues []string, since time.Duration, wake func(queue string)) (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, queue := range queues {
		switch q := p.queues[queue]; {
		case q != nil && time.Since(q.fetched) < since:
		case q != nil && q.took >= frontSlow:
			wake(queue)
		default:
			list = append(list, queue)
		}
	}
	return list
}
