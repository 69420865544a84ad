package crowd

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/backlist/backlist/internal/mail"
	view "github.com/backlist/backlist/views/console"
)

// consoleMix returns what operators do. Acts are on jobs and queues that exist only for them.
func consoleMix() Mix {
	mix := Mix{
		seen(8, "/", ""), seen(5, "/jobs", "?q=kind:recommend_reader"), seen(4, "/jobs/{id}", ""), seen(1, "/jobs/{id}/copy", ""),
		seen(3, "/queues", ""), seen(3, "/errors", ""), seen(2, "/errors/{fingerprint}", ""), seen(2, "/workers", ""),
		seen(1, "/scale", ""),
		seen(1, "/find", "?q=kind:deliver_mail"), seen(1, "/jobs/act", "?act=cancel&all=1&q=state:scheduled"),
		seen(1, "/jobs/suggest", "?q=kind:"), seen(1, "/jobs.csv", "?q=state:retryable"),
	}
	for _, pattern := range []string{"", "/jobs", "/jobs/{id}", "/queues", "/errors", "/errors/{fingerprint}", "/workers", "/scale"} {
		v := seen(1, "/events"+pattern, "")
		v.stream = true
		mix = append(mix, v)
	}
	return append(
		mix,
		acted("/queues/target", func(n int) url.Values {
			return url.Values{"queue": {mail.QueueName}, "share": {"99"}, "within": {fmt.Sprintf("%d s", 30+n)}}
		}),
		acted("/queues/pause", func(n int) url.Values { return url.Values{"queue": {idleQueue(n)}} }),
		acted("/queues/resume", func(n int) url.Values { return url.Values{"queue": {pausedQueue(n)}} }),
		acted("/jobs/views", func(n int) url.Values {
			return url.Values{"name": {fmt.Sprintf("search %d", n)}, "q": {"state:discarded"}}
		}),
		acted("/errors/{fingerprint}/act", func(n int) url.Values { return url.Values{"act": {"mute"}, "for": {fmt.Sprintf("%dm", 10+n)}} }),
		onJob("/jobs/{id}/act", url.Values{"act": {"cancel"}}),
		onJob("/jobs/{id}/delete", url.Values{}),
		onJob("/jobs/{id}/copy", url.Values{}),
	)
}

// seen is a visit of a page below the console's root.
func seen(weight int, pattern, query string) visit {
	return visit{route: "GET " + view.Root + pattern, weight: weight, make: func(g *guests, n int, _ rater) ask {
		return ask{path: view.Root + g.filled(pattern, n) + query, token: g.operator}
	}}
}

// acted is a form of the console. form returns the fields of its n-th use.
func acted(pattern string, form func(n int) url.Values) visit {
	return visit{route: "POST " + view.Root + pattern, weight: 1, want: http.StatusSeeOther, make: func(g *guests, n int, _ rater) ask {
		return ask{view.Root + g.filled(pattern, n), form(g.act()), g.operator}
	}}
}

// onJob is a form of the console about a job, which is another each time.
func onJob(pattern string, form url.Values) visit {
	return visit{route: "POST " + view.Root + pattern, weight: 1, want: http.StatusSeeOther, spare: true, make: func(g *guests, _ int, v rater) ask {
		return ask{view.Root + strings.ReplaceAll(pattern, "{id}", strconv.FormatInt(v.job, 10)), form, g.operator}
	}}
}

// filled returns the path of a pattern: with the n-th job, or the only error.
func (g *guests) filled(pattern string, n int) string {
	id := strconv.FormatInt(g.jobs[n%len(g.jobs)], 10)
	return strings.NewReplacer("{id}", id, "{fingerprint}", g.fingerprint).Replace(pattern)
}
