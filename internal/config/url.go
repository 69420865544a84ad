package config

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// DatabaseSchemes are the schemes of a Postgres URL.
var DatabaseSchemes = []string{"postgres", "postgresql"}

// ParseURL reads the URL in the variable name. Its errors tell the operator what to do and repeat no part of the value:
// a malformed one may have a password anywhere. The host of the result is ASCII.
func ParseURL(name, value string, schemes ...string) (*url.URL, error) {
	begins := strings.Join(schemes, ":// or ") + "://"
	scheme, rest, _ := strings.Cut(value, "://")
	switch {
	case slices.Contains(schemes, "postgres") && keywords(value):
		return nil, fmt.Errorf("%s must be a URL that begins with %s, not the form host=… password=…", name, begins)
	case trim(value) != value:
		return nil, fmt.Errorf("%s begins or ends with a space, a line end or a quotation mark: remove it", name)
	case strings.ContainsFunc(value, unicode.IsControl):
		return nil, fmt.Errorf("%s contains a line end or another control character: remove it", name)
	case !slices.Contains(schemes, strings.ToLower(scheme)):
		return nil, fmt.Errorf("%s must be a URL that begins with %s", name, begins)
	}
	u, err := url.Parse(value)
	user, server := splitUser(rest)
	if (err != nil || misread(u)) && !validUser(user) {
		return nil, fmt.Errorf("%s: percent-encode the password and the user: / is %%2F, %% is %%25, # is %%23, ? is %%3F, "+
			"@ is %%40, : is %%3A, [ is %%5B, ] is %%5D, a space is %%20", name)
	}
	if problem := serverProblem(server); problem != "" {
		return nil, fmt.Errorf("%s: %s", name, problem)
	}
	if err != nil || misread(u) {
		return nil, fmt.Errorf("%s is not a valid URL", name)
	}
	if u.Hostname() == "" && (!slices.Contains(schemes, "postgres") || !u.Query().Has("host")) {
		return nil, fmt.Errorf("%s names no host: %s://HOST", name, schemes[0])
	}
	if u.Host, err = asciiHost(u.Host); err != nil {
		return nil, fmt.Errorf("%s: the host name is not valid", name)
	}
	return u, nil
}

// trim removes the characters around a value that copying from a page, a chat or a shell leaves there.
func trim(value string) string {
	return strings.TrimFunc(value, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("\"'`“”‘’\u200b\ufeff", r)
	})
}

// keywords reports whether a value looks like libpq's other form of a connection string.
func keywords(value string) bool {
	word, _, ok := strings.Cut(value, "=")
	return ok && !strings.ContainsAny(strings.TrimSpace(word), " :/")
}

// splitUser divides the part after the scheme into user and password (before the last @) and host and port. user is
// empty if there is no @, which an unescaped character may have hidden.
func splitUser(rest string) (user, server string) {
	at := strings.LastIndexByte(rest, '@')
	server = rest[at+1:]
	if i := strings.IndexAny(server, "/?#"); i >= 0 {
		server = server[:i]
	}
	return rest[:max(0, at)], server
}

// misread reports whether a URL was parsed although an unescaped character ended its password, or began a fragment.
func misread(u *url.URL) bool {
	query, _, _ := strings.Cut(u.RawQuery, "=")
	return strings.Contains(u.EscapedPath(), "@") || strings.Contains(query, "@") || u.Fragment != ""
}

func validUser(user string) bool {
	u, err := url.Parse("x://" + user + "@host")
	return user == "" || (err == nil && u.Host == "host" && u.User != nil)
}

// serverProblem returns what is wrong with host and port, or "". It leaves a list of hosts to pgx.
func serverProblem(server string) string {
	if strings.Contains(server, ",") {
		return ""
	}
	host, port, _ := strings.Cut(server, ":")
	if end := strings.LastIndexByte(server, ']'); end >= 0 {
		host, port = server[:end+1], strings.TrimPrefix(server[end+1:], ":")
	} else if strings.Contains(port, ":") {
		return "put an IPv6 address in brackets: [::1]"
	}
	n, err := strconv.Atoi(port)
	switch {
	case port != "" && (err != nil || n < 1 || n > 65535):
		return "the port must be a number from 1 to 65535"
	case strings.ContainsAny(host, " %") && !strings.HasPrefix(host, "["):
		return "the host name is not valid"
	}
	return ""
}

// asciiHost returns the host, with its port, in ASCII as DNS requires.
func asciiHost(host string) (string, error) {
	if !strings.ContainsFunc(host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return host, nil
	}
	name, port, found := strings.Cut(host, ":")
	name, err := idna.Lookup.ToASCII(name)
	if found {
		name += ":" + port
	}
	return name, err
}
