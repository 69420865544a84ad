package console

import (
	"net/url"
	"strings"
	"time"
)

// Root is the address of the first page.
const Root = "/console"

// Viewer is the person who looks at a page, as far as components need it.
type Viewer struct {
	Acts bool      // may act; others see no buttons
	URL  *url.URL  // the page
	Now  time.Time // when the page is drawn
}

// Back returns the page's address, where an act leads back to, without what was
// just done.
func (v Viewer) Back() string { return v.With("entry", "") }

// With returns the page's address with a parameter set, or without it if value
// is empty.
func (v Viewer) With(name, value string) string {
	values := v.URL.Query()
	values.Set(name, value)
	if value == "" {
		values.Del(name)
	}
	u := *v.URL
	u.RawQuery = values.Encode()
	return u.RequestURI()
}

// Jobs returns the address of the jobs that a search line finds.
func Jobs(line string) string { return Root + "/jobs?q=" + url.QueryEscape(line) }

// ActURL returns the address that previews an act on all jobs that a search line finds.
func ActURL(act, line string) string {
	return Root + "/jobs/act?" + url.Values{"act": {act}, "q": {line}, "all": {"yes"}}.Encode()
}

// ChartURL returns the address of the charts of a queue or kind, as key says.
func ChartURL(key, name, past string) string {
	return Root + "?" + url.Values{key: {name}, "past": {past}}.Encode() + "#overview.series"
}

// rowID returns the id of a row. By their ids an update finds the rows again that have moved, with the focus in them.
func rowID(list, name string) string { return list + "-" + url.QueryEscape(name) }

// Term writes a word of a search line, with its value quoted if it has to be.
func Term(key, value string) string {
	for _, c := range value {
		if c == '"' || c == '\\' || c == ',' || c <= ' ' {
			return key + `:"` + quoter.Replace(value) + `"`
		}
	}
	return key + ":" + value
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// Path returns the page's address without parameters.
func (v Viewer) Path() string { return v.URL.EscapedPath() }
