package surface

import (
	"errors"
	"slices"
)

// Filter selects jobs. An empty field matches every job, and a list matches any of its values. ParseSearch makes one of a
// search, and String a search of it.
type Filter struct {
	Jobs                           []int64 // ids
	States, Kinds, Queues, Workers []string
	Waiting                        []string // codes of jobs.job.waiting
	Args                           []Arg    // all of these
	Tags                           []string
	Errors                         []string // fingerprints, or parts of messages
	Requests                       []string
	Parents                        []int64
	Releases                       []string
	Is, Has                        []string // as the keys of the same names
	Since, Until                   Moment   // enqueued, started or finished then
	Text                           []string // all of these are part of the kind or the latest error

	Limit int // the most jobs of List and Find, newest first; not part of a search
}

// states returns every state of a job, unfinished ones first.
func states() []string {
	return []string{"available", "running", "scheduled", "retryable", "pending", "completed", "cancelled", "discarded"}
}

func isFinished(state string) bool {
	return state == "completed" || state == "cancelled" || state == "discarded"
}

// Check returns an error that says what is wrong with the filter.
func (f Filter) Check() error {
	if f.Limit < 1 {
		return errors.New("the limit is at least 1")
	}
	for _, k := range Keys() {
		if k.Values == nil {
			continue
		}
		for _, v := range *k.field(&f) {
			if !slices.Contains(k.Values, v) {
				return notAmong(v, k)
			}
		}
	}
	return nil
}

// Add adds the conditions of g. The values of both for one key are alternatives.
func (f *Filter) Add(g Filter) error {
	for _, k := range Keys() {
		if k.field != nil {
			for _, v := range *k.field(&g) {
				addOnce(k.field(f), v)
			}
		}
	}
	f.Jobs, f.Parents, f.Text = append(f.Jobs, g.Jobs...), append(f.Parents, g.Parents...), append(f.Text, g.Text...)
	for _, a := range g.Args {
		for _, v := range a.Values {
			f.addArgValue(a.Path, v)
		}
	}
	for _, m := range []struct {
		to   *Moment
		from Moment
		key  string
	}{{&f.Since, g.Since, "since"}, {&f.Until, g.Until, "until"}} {
		if !m.from.IsZero() {
			if err := m.to.set(m.key, m.from.text); err != nil {
				return err
			}
		}
	}
	return nil
}

// Narrows reports whether the filter leaves any job out.
func (f Filter) Narrows() bool { return f.String() != "" }
