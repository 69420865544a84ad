package pilot

import (
	"bytes"
	"regexp"
)

// storable replaces NUL characters in JSON, which Postgres cannot store, so that the rest of the text is kept.
func storable(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\u0000`)) {
		return text
	}
	return escapes.ReplaceAllFunc(text, func(escape []byte) []byte {
		if string(escape) == `\u0000` {
			return []byte(`\ufffd`)
		}
		return escape
	})
}

// escapes matches all of JSON's escapes, so that in an escaped backslash followed by u0000 the latter stays.
var escapes = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|.)`)
