package console

import (
	"slices"
	"strings"

	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

// jobStates returns every state of a job.
func jobStates() []string {
	keys := surface.Keys()
	return keys[slices.IndexFunc(keys, func(k surface.Key) bool { return k.Name == "state" })].Values
}

// stateChips returns a chip for each state, which adds it to the search or takes it out.
func stateChips(f surface.Filter) (chips []view.Chip) {
	for _, state := range jobStates() {
		g := f
		var on bool
		g.States, on = toggled(f.States, state)
		chips = append(chips, view.Chip{Text: state, Line: g.String(), On: on})
	}
	return chips
}

// toggled returns the list without the value if it is on, and otherwise with it.
func toggled(list []string, value string) (changed []string, on bool) {
	if on = slices.Contains(list, value); on {
		return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return v == value }), on
	}
	return append(slices.Clone(list), value), on
}

// timeChips returns chips that bound the time.
func timeChips(f surface.Filter) (chips []view.Chip) {
	base := f
	base.Since = surface.Moment{}
	for _, since := range []string{"1h", "24h", "7d"} {
		line := strings.TrimSpace(base.String() + " since:" + since)
		on := strings.Contains(" "+f.String()+" ", " since:"+since+" ")
		if on {
			line = base.String()
		}
		chips = append(chips, view.Chip{Text: "last " + since, Line: line, On: on})
	}
	return chips
}

// quickChips returns chips for what is often looked for. They change the words on the jobs' condition and keep the others. Each names
// the states that it can be in, because a search of every state reads many jobs.
func quickChips(f surface.Filter) (chips []view.Chip) {
	for _, c := range []struct {
		text                     string
		states, waiting, is, has []string
	}{
		{"paused", nil, []string{"paused"}, nil, nil},
		{"no worker", nil, []string{"no_worker", "no_worker_for_queue", "no_worker_for_kind", "all_draining"}, nil, nil},
		{"failing", []string{"retryable", "discarded"}, nil, nil, []string{"error"}},
		{"told to stop", []string{"running"}, nil, []string{"cancelling"}, nil},
		{"reports progress", []string{"running"}, nil, nil, []string{"progress"}},
	} {
		g := f
		g.States, g.Waiting, g.Is, g.Has = c.states, c.waiting, c.is, c.has
		on := g.String() == f.String()
		if on {
			g.States, g.Waiting, g.Is, g.Has = nil, nil, nil, nil
		}
		chips = append(chips, view.Chip{Text: c.text, Line: g.String(), On: on})
	}
	return chips
}

// wider returns searches with one word less, for a list that is empty.
func wider(f surface.Filter) (chips []view.Chip) {
	line := f.String()
	add := func(g surface.Filter, text string) {
		if g.String() != line {
			chips = append(chips, view.Chip{Text: text, Line: g.String()})
		}
	}
	for _, c := range []struct {
		text  string
		clear func(*surface.Filter)
	}{
		{"in any state", func(g *surface.Filter) { g.States, g.Waiting = nil, nil }},
		{"of any kind", func(g *surface.Filter) { g.Kinds = nil }},
		{"in any queue", func(g *surface.Filter) { g.Queues = nil }},
		{"of any time", func(g *surface.Filter) { g.Since, g.Until = surface.Moment{}, surface.Moment{} }},
		{"with any error", func(g *surface.Filter) { g.Errors, g.Has = nil, nil }},
		{"with any arguments and tags", func(g *surface.Filter) { g.Args, g.Tags = nil, nil }},
		{"of any worker and release", func(g *surface.Filter) { g.Workers, g.Releases = nil, nil }},
		{"without the words", func(g *surface.Filter) { g.Text = nil }},
	} {
		g := f
		c.clear(&g)
		add(g, c.text)
	}
	return chips
}
