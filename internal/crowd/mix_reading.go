package crowd

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// searches is the note of visits that search.
const searches = "search"

// readingMix returns what readers do with books, lists and letters.
func readingMix() Mix {
	return Mix{
		{route: "GET /", note: "reader", weight: 50, make: as("/")},
		{route: "GET /", note: "visitor", weight: 20, make: to("/")},
		{route: "GET /books", weight: 40, make: func(g *guests, n int, v rater) ask {
			return ask{path: fmt.Sprintf("/books?page=%d", 1+n%5), token: v.token}
		}},
		{route: "GET /books", note: "subject", weight: 20, make: func(g *guests, n int, v rater) ask {
			return ask{path: fmt.Sprintf("/books?subject=%s&page=%d", g.subjects[n%len(g.subjects)], 1+n%3), token: v.token}
		}},
		{route: "GET /books", note: searches, weight: 100, make: func(g *guests, n int, v rater) ask {
			return ask{path: "/books?q=" + url.QueryEscape(g.texts[n%len(g.texts)]), token: v.token}
		}},
		{route: "GET /books/{id}", weight: 220, make: func(g *guests, n int, v rater) ask { return ask{path: g.book(n), token: v.token} }},
		{route: "POST /books/{id}/rating", weight: 70, want: http.StatusSeeOther, make: func(g *guests, n int, v rater) ask {
			stars := strconv.FormatFloat(float64(1+n%10)/2, 'f', -1, 64)
			return ask{g.book(n+1) + "/rating", url.Values{"stars": {stars}}, v.token}
		}},
		{route: "POST /books/{id}/shelf", weight: 30, want: http.StatusSeeOther, make: func(g *guests, n int, v rater) ask {
			return ask{g.book(n+2) + "/shelf", url.Values{"status": {[...]string{"to-read", "reading", "read", "none"}[n%4]}}, v.token}
		}},
		{route: "POST /books/{id}/dismissal", weight: 10, want: http.StatusSeeOther, make: func(g *guests, n int, v rater) ask {
			return ask{g.book(n+3) + "/dismissal", url.Values{}, v.token}
		}},
		{route: "GET /recommendations", weight: 60, make: as("/recommendations")},
		{route: "GET /recommendations/events", weight: 30, stream: true, make: as("/recommendations/events")},
		{route: "GET /shelf", weight: 40, make: as("/shelf")},
		{route: "GET /mailbox", weight: 25, make: as("/mailbox")},
		{route: "GET /mailbox/{id}", weight: 20, make: func(_ *guests, _ int, v rater) ask { return ask{path: letter(v), token: v.token} }},
		{route: "POST /mailbox/{id}/read", weight: 10, want: http.StatusSeeOther, make: func(_ *guests, _ int, v rater) ask {
			return ask{letter(v) + "/read", url.Values{}, v.token}
		}},
		{route: "GET /assets/*", weight: 60, make: func(g *guests, n int, _ rater) ask { return ask{path: g.assets[n%len(g.assets)]} }},
		{route: "GET /healthz", weight: 5, make: to("/healthz")},
		{route: "GET /readyz", weight: 10, make: to("/readyz")},
	}
}

func letter(v rater) string { return "/mailbox/" + strconv.FormatInt(v.message, 10) }
