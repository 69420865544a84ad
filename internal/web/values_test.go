package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/form"
)

// odd are values that are invalid as a number, a name or a key, or valid and hard to store or to show.
var odd = map[string]string{
	"empty": "", "space": " \t\n", "NUL": "a\x00b", "broken UTF-8": "a\xffb", "lone surrogate": "\xed\xa0\xbd", "escape": "\x1b[31m\u009b",
	"line separator": "a\u2028b", "right to left": "\u202eabc\u200f", "invisible": "\u200b\u2060", "markup": `"><script>'`,
	"int8 and one": "9223372036854775808", "least int8": "-9223372036854775808", "int4 and one": "2147483648", "most int8": "9223372036854775807", "zero": "0",
	"exponent": "1e999999", "NaN": "NaN", "infinity": "infinity", "year 294277": "294277-01-01", "long": strings.Repeat("long ", 4000),
}

// TestOddValues: the site accepts any value in a form, path, query or header, or refuses it with a sentence. It never fails, and
// its pages are valid text.
func TestOddValues(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.signUp("Odo")
	book := "/books/" + strconv.FormatInt(s.book("Emma"), 10)
	signedIn := s.cookie
	check := func(where, name string, got response) {
		t.Helper()
		if got.Status >= 500 {
			t.Fatalf("%s with %s: %d", where, name, got.Status)
		}
		if !form.Clean(got.Body) {
			t.Errorf("%s with %s: the page is not valid text", where, name)
		}
	}
	for name, value := range odd {
		for _, path := range []string{"/books/%s", "/mailbox/%s", "/unsubscribe/%s", "/reset/%s", "/%s"} {
			path = strings.ReplaceAll(path, "%s", url.PathEscape(value))
			check(path[:min(len(path), 30)], name, s.get(path))
		}
		for _, path := range []string{"/books?q=", "/books?page=", "/books?subject=", "/books?author=", "/shelf?tab=", "/shelf?page=", "/signin?next="} {
			check(path, name, s.get(path+url.QueryEscape(value)))
		}
		s.header.Set("X-Request-Id", value)
		check("X-Request-Id", name, s.post(book+"/rating", url.Values{"stars": {"4"}}))
		s.header = http.Header{}
		for path, names := range map[string][]string{
			book + "/rating": {"stars", "next"}, book + "/shelf": {"status", "next"}, "/settings": {"name", "time_zone"},
			"/settings/password": {"password"},
		} {
			for _, field := range names {
				fields := url.Values{"stars": {"4"}, "status": {"read"}, "name": {"Odo"}, "time_zone": {"UTC"}, "current": {"a long password"}, "password": {""}}
				fields.Set(field, value)
				check(path+" "+field, name, s.post(path, fields))
			}
		}
		s.cookie = map[string]string{}
		for path, names := range map[string][]string{"/signup": {"name", "email", "password", "next"}, "/signin": {"email", "password", "next"}, "/forgot": {"email"}} {
			for _, field := range names {
				fields := url.Values{"name": {"Eve"}, "email": {"not an address"}, "password": {"a long password"}}
				fields.Set(field, value)
				check(path+" "+field, name, s.post(path, fields))
			}
		}
		s.cookie = signedIn
	}
}
