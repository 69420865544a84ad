package console

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/live"
)

// The refresher's pace. A question that needs long is asked less often: pauses are at least restFactor times as long.
const (
	roundEvery    = time.Second
	filteredEvery = 5 * time.Second
	filteredMost  = 20 // distinct filtered questions in filteredEvery; of more, each waits for its turn
	restFactor    = 10
)

// refresher keeps the readings of open pages current. It asks each distinct question once, regardless of the number of
// viewers, and stops while there are none.
type refresher struct {
	asker *asker
	hub   *live.Hub
	log   *slog.Logger

	mu      sync.Mutex
	watched map[string]*watched
	kept    map[string]Reading // of panels that keep their rows, as pages read them
	running bool
	away    time.Time // since when the database has not answered; zero while it does
}

// watched is a question that an open page shows.
type watched struct {
	question Question
	viewers  int
	reading  Reading
	version  string    // of the reading; empty before the first
	next     time.Time // when it is due
}

func newRefresher(a *asker, hub *live.Hub, log *slog.Logger) *refresher {
	return &refresher{asker: a, hub: hub, log: log, watched: map[string]*watched{}, kept: map[string]Reading{}}
}

// watch keeps the questions current until stop is called.
func (f *refresher) watch(questions []Question) (stop func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	keys := make([]string, len(questions))
	for i, q := range questions {
		keys[i] = q.key()
		if f.watched[keys[i]] == nil {
			f.watched[keys[i]] = &watched{question: q}
		}
		f.watched[keys[i]].viewers++
	}
	if !f.running && len(f.watched) > 0 {
		f.running = true
		go f.run()
	}
	return func() { f.unwatch(keys) }
}

func (f *refresher) unwatch(keys []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		if f.watched[key].viewers--; f.watched[key].viewers == 0 {
			delete(f.watched, key)
		}
	}
}

// run works in rounds until no page is open.
func (f *refresher) run() {
	round := time.NewTicker(roundEvery)
	defer round.Stop()
	for now := time.Now(); ; now = <-round.C {
		due, more := f.due(now)
		if !more {
			return
		}
		f.ask(due)
		f.hub.TellAll()
	}
}

// due returns the questions to ask now, the longest overdue first. more is false if nothing is watched: the refresher has
// stopped.
func (f *refresher) due(now time.Time) (list []*watched, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = len(f.watched) > 0
	for _, w := range f.watched {
		if !w.next.After(now) {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b *watched) int { return a.next.Compare(b.next) })
	filtered := 0
	list = slices.DeleteFunc(list, func(w *watched) bool {
		if w.question.Filtered {
			filtered++
		}
		return w.question.Filtered && filtered > filteredMost/int(filteredEvery/roundEvery)
	})
	return list, f.running
}

// ask asks the questions and keeps their readings. A failed try keeps the rows of the last one. Each question takes its own turn,
// so that a page that is being opened waits for one statement at most. If the statements are slow, streams are told in between: they
// also check whether they may still go on.
func (f *refresher) ask(due []*watched) {
	away, told := false, time.Now()
	for _, w := range due {
		if time.Since(told) > roundEvery {
			f.hub.TellAll()
			told = time.Now()
		}
		ctx, cancel := context.WithTimeout(context.Background(), filteredEvery)
		reading := f.asker.ask(ctx, []Question{w.question})[0]
		cancel()
		f.mu.Lock()
		w.take(reading, time.Now())
		f.mu.Unlock()
		if away = answer.DatabaseAway(reading.Err); away {
			break // the others would only wait as long
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setAway(away, len(due) > 0)
}

// take keeps a new reading and decides when the next one is due.
func (w *watched) take(r Reading, now time.Time) {
	every := max(roundEvery, w.question.Keep)
	if w.question.Filtered {
		every = max(every, filteredEvery)
	}
	w.next = now.Add(max(every-roundEvery/2, restFactor*r.Took)) // half a round early, because rounds jitter
	if r.Err != nil {
		r.Rows, r.At = w.reading.Rows, w.reading.At
	}
	w.reading, w.version = r, r.version()
}

// setAway remembers since when the database has not answered.
func (f *refresher) setAway(away, asked bool) {
	switch {
	case !asked:
	case away && f.away.IsZero():
		f.away = time.Now()
		f.log.Warn("the database does not answer; open pages keep their last values")
	case !away && !f.away.IsZero():
		f.log.Info("the database answers again", "after", time.Since(f.away).Round(time.Second))
		f.away = time.Time{}
	}
}

// current returns the reading of a question if it is watched and was read within a round or two, or is kept.
func (f *refresher) current(q Question) (Reading, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := q.key()
	if w := f.watched[key]; w != nil && w.reading.Err == nil && time.Since(w.reading.At) < 2*roundEvery+q.Keep {
		return w.reading, true
	}
	r := f.kept[key]
	return r, time.Since(r.At) < q.Keep
}

// keep keeps the reading of a page, if its panel does. Filtered questions are too many.
func (f *refresher) keep(q Question, r Reading) {
	if q.Keep == 0 || q.Filtered || r.Err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept[q.key()] = r
}

// changed returns the readings whose version differs from those in seen, which it updates, by their place in questions, and since
// when the database has not answered. It leaves out readings from before a time, which the page was opened after: a page that shows
// what was just done would go back to what was before.
func (f *refresher) changed(questions []Question, seen map[string]string, opened time.Time) (list map[int]Reading, away time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	list = map[int]Reading{}
	for i, q := range questions {
		w := f.watched[q.key()]
		if w == nil || w.version == "" || w.version == seen[q.ID] {
			continue
		}
		if w.reading.Err != nil || w.reading.At.After(opened) {
			seen[q.ID] = w.version
			list[i] = w.reading
		}
	}
	return list, f.away
}
