// Package form checks what users type. Its errors name the field and tell the user in a sentence what to do.
package form

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Invalid is an error that the user can correct. It maps the name of each invalid field to a sentence.
type Invalid map[string]string

// Error lists the sentences, for logs; pages show each sentence beside its field.
func (v Invalid) Error() string {
	parts := make([]string, 0, len(v))
	for _, field := range slices.Sorted(maps.Keys(v)) {
		parts = append(parts, field+": "+v[field])
	}
	return "invalid input: " + strings.Join(parts, "; ")
}

// Err returns v as an error, or nil if nothing is wrong.
func (v Invalid) Err() error {
	if len(v) == 0 {
		return nil
	}
	return v
}

// Text trims value, replaces each run of white space in it by one space, and records in v under field if it is invalid.
// label names the field in the sentence ("Your name"); the lengths are in characters.
func (v Invalid) Text(field, label, value string, low, high int) string {
	if !Clean(value) {
		v[field] = label + " contains characters that cannot be stored. Please type it again."
		return Shown(value)
	}
	value = strings.Join(strings.Fields(value), " ")
	switch n := utf8.RuneCountInString(value); {
	case low > 0 && !strings.ContainsFunc(value, visible):
		v[field] = label + " is missing."
	case n < low:
		v[field] = fmt.Sprintf("%s needs at least %d characters.", label, low)
	case n > high:
		v[field] = fmt.Sprintf("%s can have at most %d characters; this has %d.", label, high, n)
	}
	return value
}

// Clean reports whether Postgres can store s and a page can show it: valid UTF-8 without control characters other than
// line ends and tabs, and without those that would reverse the direction of the text after s.
func Clean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
}

// Shown returns s without the characters that are not Clean, for a page to show it again.
func Shown(s string) string {
	if Clean(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// unprintable reports whether r is a control character, or an override or embedding that reverses the text after it.
func unprintable(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }
