package surface

import (
	"strconv"
	"strings"
)

// Key is a key of a search.
type Key struct {
	Name    string
	Help    string
	Example string
	Values  []string // the only values; nil if it has others
	field   func(*Filter) *[]string
}

// Keys returns the keys of a search, in the order of Filter.String.
func Keys() []Key {
	return []Key{
		{Name: "id", Help: "a job's id", Example: "id:4711"},
		{Name: "state", Help: "a job's state", Example: "state:discarded,retryable", Values: states(), field: func(f *Filter) *[]string { return &f.States }},
		{Name: "kind", Help: "a kind of job", Example: "kind:deliver_mail", field: func(f *Filter) *[]string { return &f.Kinds }},
		{Name: "queue", Help: "the queue that the job is in", Example: "queue:mail", field: func(f *Filter) *[]string { return &f.Queues }},
		{Name: "worker", Help: "the worker that runs or ran it last: an id, or the name of its process", Example: "worker:worker.2", field: func(f *Filter) *[]string { return &f.Workers }},
		{Name: "waiting", Help: "the code of why it waits", Example: "waiting:paused", Values: waitingCodes(), field: func(f *Filter) *[]string { return &f.Waiting }},
		{Name: "args", Help: "an argument, or a JSON object that the arguments contain", Example: `args.reader_id:42`},
		{Name: "tag", Help: "a tag", Example: "tag:import", field: func(f *Filter) *[]string { return &f.Tags }},
		{Name: "error", Help: "the fingerprint of an error of the last day, or part of the latest error's text", Example: `error:"connection refused"`, field: func(f *Filter) *[]string { return &f.Errors }},
		{Name: "request", Help: "the web request that enqueued it", Example: "request:1f0c9a", field: func(f *Filter) *[]string { return &f.Requests }},
		{Name: "parent", Help: "the job that enqueued it", Example: "parent:4711"},
		{Name: "release", Help: "the release that enqueued it", Example: "release:v41", field: func(f *Filter) *[]string { return &f.Releases }},
		{Name: "is", Help: "cancelling (told to stop, still runs) or unique", Example: "is:unique", Values: []string{"cancelling", "unique"}, field: func(f *Filter) *[]string { return &f.Is }},
		{Name: "has", Help: "error, parent, progress or deaths (of workers that ran it)", Example: "has:error", Values: []string{"error", "parent", "progress", "deaths"}, field: func(f *Filter) *[]string { return &f.Has }},
		{Name: "since", Help: "enqueued, started or finished at or after: a duration ago, a time, a date or both", Example: "since:2h"},
		{Name: "until", Help: "enqueued, started or finished before; a date includes that day", Example: "until:10:00"},
	}
}

// waitingCodes returns the codes of jobs.job.waiting.
func waitingCodes() []string {
	return []string{
		"unreadable", "pending", "paused", "duplicate", "backing_off", "scheduled", "due", "queued", "isolated",
		"no_worker", "no_worker_for_queue", "no_worker_for_kind", "all_draining",
	}
}

func notAmong(text string, k Key) *SearchError {
	e := &SearchError{Code: badValue, Sentence: strconv.Quote(text) + " is not a " + k.Name + "; " + k.Name + " is one of " + strings.Join(k.Values, ", ") + "."}
	switch {
	case k.Name == "state":
		e.Sentence = strconv.Quote(text) + " is not a state; states are " + strings.Join(k.Values, ", ") + "."
	case k.Name == "is" || k.Name == "has":
		e.Sentence = "There is no " + k.Name + ":" + text + "; " + k.Name + " is one of " + strings.Join(k.Values, ", ") + "."
	}
	if near := nearest(strings.ToLower(text), k.Values); near != "" {
		e.Instead = k.Name + ":" + near + "."
	}
	return e
}

func noSuchKey(name string) *SearchError {
	names := make([]string, 0, 20)
	for _, k := range Keys() {
		names = append(names, k.Name)
	}
	e := &SearchError{Code: unknownKey, Sentence: "There is no key " + strconv.Quote(name) + "."}
	if near := nearest(strings.ToLower(name), names); near != "" {
		e.Instead = near + ": instead."
	} else {
		e.Instead = "one of " + strings.Join(names, ", ") + `; text with a colon goes in quotes.`
	}
	return e
}

// nearest returns the candidate with the fewest edits from text; "" if all need more than a third of its length, or it is
// not the start of one.
func nearest(text string, candidates []string) (best string) {
	least := len(text)/3 + 1
	for _, c := range candidates {
		d := edits(text, c)
		if len(text) > 1 && strings.HasPrefix(c, text) || strings.HasPrefix(text, c) && len(text)-len(c) < 3 {
			d = 0
		}
		if d < least || d == least && best == "" {
			best, least = c, d
		}
	}
	return best
}

// edits returns the Levenshtein distance of two strings.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			before, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, before+cost)
		}
	}
	return row[len(b)]
}
