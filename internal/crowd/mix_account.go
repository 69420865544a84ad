package crowd

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/backlist/backlist/internal/mail"
)

// accountMix returns what readers do with accounts.
func accountMix() Mix {
	reset := func(v rater, form url.Values) ask { return ask{path: "/reset/" + v.reset, form: form} }
	unsubscribe := func(g *guests, v rater, form url.Values) ask {
		return ask{path: "/unsubscribe/" + mail.Token(g.secret, v.id, mail.KindReady), form: form}
	}
	return Mix{
		{route: "GET /signup", weight: 8, make: to("/signup")},
		{route: "POST /signup", weight: 3, want: http.StatusSeeOther, make: func(g *guests, _ int, _ rater) ask {
			email := fmt.Sprintf("new-%d@load.example", g.another())
			return ask{path: "/signup", form: url.Values{"name": {"A new reader"}, "email": {email}, "password": {Password}}}
		}},
		{route: "GET /signin", weight: 10, make: to("/signin")},
		{route: "POST /signin", weight: 5, want: http.StatusSeeOther, make: func(_ *guests, _ int, v rater) ask {
			return ask{path: "/signin", form: url.Values{"email": {v.email}, "password": {Password}}}
		}},
		{route: "POST /signout", weight: 4, want: http.StatusSeeOther, spare: true, make: func(_ *guests, _ int, v rater) ask {
			return ask{"/signout", url.Values{}, v.token}
		}},
		{route: "GET /forgot", weight: 3, make: to("/forgot")},
		{route: "POST /forgot", weight: 1, want: http.StatusSeeOther, make: func(_ *guests, _ int, v rater) ask {
			return ask{path: "/forgot", form: url.Values{"email": {v.email}}}
		}},
		{route: "GET /forgot/sent", weight: 1, make: to("/forgot/sent")},
		{route: "GET /reset/{token}", weight: 1, spare: true, make: func(_ *guests, _ int, v rater) ask { return reset(v, nil) }},
		{route: "POST /reset/{token}", weight: 1, want: http.StatusSeeOther, spare: true, make: func(_ *guests, _ int, v rater) ask {
			return reset(v, url.Values{"password": {Password + ", again"}})
		}},
		{route: "GET /unsubscribe/{token}", weight: 1, make: func(g *guests, _ int, v rater) ask { return unsubscribe(g, v, nil) }},
		{route: "POST /unsubscribe/{token}", weight: 1, spare: true, make: func(g *guests, _ int, v rater) ask {
			return unsubscribe(g, v, url.Values{"List-Unsubscribe": {"One-Click"}})
		}},
		{route: "GET /settings", weight: 8, make: as("/settings")},
		{route: "POST /settings", weight: 3, want: http.StatusSeeOther, make: func(_ *guests, n int, v rater) ask {
			return ask{"/settings", url.Values{"name": {fmt.Sprintf("Reader %d", n)}, "time_zone": {"Europe/Lisbon"}}, v.token}
		}},
		{route: "POST /settings/password", weight: 1, want: http.StatusSeeOther, spare: true, make: func(_ *guests, _ int, v rater) ask {
			return ask{"/settings/password", url.Values{"current": {Password}, "password": {Password + ", again"}}, v.token}
		}},
		{route: "GET /settings/delete", weight: 1, make: as("/settings/delete")},
		{route: "POST /settings/delete", weight: 1, want: http.StatusSeeOther, spare: true, make: func(_ *guests, _ int, v rater) ask {
			return ask{"/settings/delete", url.Values{"password": {Password}}, v.token}
		}},
	}
}
