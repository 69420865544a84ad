package pilot

import (
	"bytes"
	"regexp"
)

// storable replaces NUL characters in JSON, which Postgres does not store, so that an error's text is kept but for these.
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

// escapes matches JSON's escapes, so that a backslash before one is not taken for its beginning.
var escapes = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|.)`)
