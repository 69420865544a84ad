package console

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/backlist/backlist/internal/live"
)

// idle returns a refresher whose questions a test asks itself.
func idle(t *testing.T, questions ...Question) *refresher {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	f := newRefresher(nil, live.NewHub(log), log)
	f.running = true // so that watch does not start another
	f.watch(questions)
	return f
}

func numbered(n int) (list []Question) {
	p := &Panel{ID: "panel"}
	for i := range n {
		q := p.Ask(pgx.NamedArgs{"n": i})
		q.Filtered = true
		list = append(list, q)
	}
	return list
}

// TestRefresherTakesTurns: however many distinct filtered questions are open, a round asks only a few, and each comes to its turn.
func TestRefresherTakesTurns(t *testing.T) {
	t.Parallel()
	f := idle(t, numbered(50)...)
	f.watch([]Question{{Panel: &Panel{ID: "unfiltered"}}})
	asked := map[string]int{}
	now := time.Now()
	for range 13 {
		due, _ := f.due(now)
		filtered := 0
		for _, w := range due {
			asked[w.question.key()]++
			if w.question.Filtered {
				filtered++
			}
			w.take(Reading{Rows: []int{}, At: now}, now)
		}
		if filtered > 4 {
			t.Errorf("a round asks %d filtered questions, want 4", filtered)
		}
		now = now.Add(roundEvery)
	}
	for key, n := range asked {
		if key == "unfilterednull" && n != 13 {
			t.Errorf("the unfiltered question was asked %d times in 13 rounds", n)
		}
	}
	if len(asked) != 51 {
		t.Errorf("%d of 51 questions were asked", len(asked))
	}
}

// TestRefresherSharesQuestions: viewers of one question share it, and the refresher ends with the last viewer.
func TestRefresherSharesQuestions(t *testing.T) {
	t.Parallel()
	one := numbered(1)
	f := idle(t, one...)
	stop := f.watch(one)
	if due, _ := f.due(time.Now()); len(due) != 1 {
		t.Errorf("two viewers have %d questions", len(due))
	}
	stop()
	if _, more := f.due(time.Now()); !more {
		t.Error("the refresher ended while a page was open")
	}
	f.unwatch([]string{one[0].key()})
	if _, more := f.due(time.Now()); more {
		t.Error("the refresher goes on without viewers")
	}
}

// TestSlowQuestionsRest: a slow statement is asked less often, and a failed one keeps its last rows.
func TestSlowQuestionsRest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := &watched{question: numbered(1)[0]}
	w.take(Reading{Rows: []int{1}, At: now, Took: 3 * time.Second}, now)
	if rest := w.next.Sub(now); rest < 30*time.Second {
		t.Errorf("after 3 s it rests for %s", rest)
	}
	version := w.version
	w.take(Reading{At: now.Add(time.Second), Err: &pgconn.PgError{Code: "57014"}}, now)
	if w.version == version || fmt.Sprint(w.reading.Rows) != "[1]" || !w.reading.At.Equal(now) || !late(w.reading.Err) {
		t.Errorf("after a late answer the reading is %+v", w.reading)
	}
	stale := w.version
	w.take(Reading{At: now, Err: errors.New("again")}, now)
	if w.version != stale {
		t.Error("a second failure looks different from the first")
	}
	w.take(Reading{Rows: []int{1}, At: now}, now)
	if w.version != version {
		t.Errorf("the version is %s, want %s as before the failures", w.version, version)
	}
}

// TestKeptRows: the rows of a panel that keeps them answer the next pages for that time, but not those of a filtered or failed question.
func TestKeptRows(t *testing.T) {
	t.Parallel()
	f := idle(t)
	now := time.Now()
	for _, c := range []struct {
		name     string
		question Question
		reading  Reading
		want     bool
	}{
		{"kept", Question{Panel: &Panel{ID: "kept", Keep: time.Hour}}, Reading{Rows: []int{1}, At: now}, true},
		{"old", Question{Panel: &Panel{ID: "old", Keep: time.Hour}}, Reading{Rows: []int{1}, At: now.Add(-2 * time.Hour)}, false},
		{"of another panel", Question{Panel: &Panel{ID: "other"}}, Reading{Rows: []int{1}, At: now}, false},
		{"filtered", Question{Panel: &Panel{ID: "filtered", Keep: time.Hour}, Filtered: true}, Reading{Rows: []int{1}, At: now}, false},
		{"failed", Question{Panel: &Panel{ID: "failed", Keep: time.Hour}}, Reading{At: now, Err: errors.New("failed")}, false},
	} {
		f.keep(c.question, c.reading)
		if r, ok := f.current(c.question); ok != c.want || ok && fmt.Sprint(r.Rows) != "[1]" {
			t.Errorf("%s: %v, %v", c.name, ok, r)
		}
	}
}
