package crowd

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	view "github.com/backlist/backlist/views/console"
)

// visit is what readers or operators do at one route under a load test, and how often: weight times in about a thousand requests.
// note tells visits of one route apart.
type visit struct {
	route, note string
	weight      int
	want        int  // the status of the answer; 0: 200
	stream      bool // the answer is a stream, which counts as answered once it begins
	upload      bool // the form's value "file" is sent as a file
	spare       bool // needs a reader of its own each time, whose account or session it ends
	make        func(g *guests, n int, v rater) ask
}

// ask is a request.
type ask struct {
	path  string
	form  url.Values // of a POST
	token string     // of a session; empty: a visitor
}

func (v visit) name() string {
	if v.note == "" {
		return v.route
	}
	return v.route + " (" + v.note + ")"
}

// Mix is the load of a load test.
type Mix []visit

// SiteMix returns the requests of the site and its console in about the shares of a reading site: readers mostly search, look at
// books and rate them; operators look at the console now and then.
func SiteMix() Mix { return slices.Concat(readingMix(), importMix(), accountMix(), consoleMix()) }

// leastCovered is the share of the router's routes that a mix must visit.
const leastCovered = 0.85

// leftOut are the routes that no load test visits, each with its reason.
var leftOut = map[string]string{
	"POST " + view.Root + "/undo":                "it sends the statements of the act that it undoes",
	"POST " + view.Root + "/queues/clear-target": "it can clear only a target that another visit is about to change",
	"POST " + view.Root + "/jobs/act":            "a bulk act goes on for minutes, and changes the jobs that are measured",
	"POST " + view.Root + "/jobs/bulk/cancel":    "there is no bulk act",
	"POST " + view.Root + "/jobs/bulk/undo":      "there is no bulk act",
	"POST " + view.Root + "/jobs/bulk/confirm":   "there is no bulk act",
	"POST " + view.Root + "/jobs/views/delete":   "it can delete only a search that another visit is about to save",
	"POST " + view.Root + "/workers/drain":       "it would stop the worker that is measured",
	"POST " + view.Root + "/workers/undrain":     "no worker drains",
	"POST " + view.Root + "/scale/target":        "web processes would decide about workers beside what is measured",
	"POST " + view.Root + "/scale/mode":          "there is no target",
}

// Covers checks the mix against a router. It returns an error that names each route that is neither in the mix nor left out for a
// reason, each visit without a route, and a mix that leaves out too much.
func (m Mix) Covers(routes chi.Routes) error {
	visited := map[string]bool{}
	for _, v := range m {
		visited[v.route] = true
	}
	known, covered := map[string]bool{}, 0
	var wrong []string
	err := chi.Walk(routes, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		route := method + " " + pattern
		if pattern != view.Root+"/" && pattern != "/" {
			route = strings.TrimSuffix(route, "/")
		}
		if strings.HasSuffix(pattern, "/assets/*") && method != http.MethodGet {
			return nil // a handler of any method
		}
		known[route] = true
		switch {
		case visited[route]:
			covered++
		case leftOut[route] == "":
			wrong = append(wrong, "the mix does not visit "+route)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for route := range visited {
		if !known[route] {
			wrong = append(wrong, "the router has no "+route)
		}
	}
	if share := float64(covered) / float64(len(known)); share < leastCovered {
		wrong = append(wrong, fmt.Sprintf("the mix visits only %.0f %% of the routes", 100*share))
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("the load does not fit the router:\n%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// to returns a visit of a page that is the same for all.
func to(path string) func(*guests, int, rater) ask {
	return func(*guests, int, rater) ask { return ask{path: path} }
}

// as returns a visit by a signed-in reader.
func as(path string) func(*guests, int, rater) ask {
	return func(_ *guests, _ int, v rater) ask { return ask{path: path, token: v.token} }
}
