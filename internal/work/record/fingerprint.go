package record

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/backlist/backlist/internal/work/mask"
)

// A fingerprint identifies an error by its text without the parts that differ each time, so that a thousand failures with one
// cause are one line for the operator. The kind of job is not part of it, because one cause, such as a mail server that is down,
// can fail many kinds.

const digits = "0123456789"

// differing lists the parts of an error's text that are replaced, and their replacements, in order. Quoted text comes first,
// because it may contain any of the others.
var differing = []struct {
	what *regexp.Regexp
	mark string
	with string // a text that has none of these characters is not searched
}{
	{regexp.MustCompile("\"(?:[^\"\\\\\n]|\\\\.)*\"|`[^`\n]*`|“[^”\n]*”|«[^»\n]*»"), `"…"`, "\"`“«"},
	{regexp.MustCompile(`(^|[\s(\[{=:,])'[^'\n]*'`), `$1"…"`, "'"}, // not the apostrophe of a word
	{regexp.MustCompile(mask.Address), "(address)", "@"},
	{regexp.MustCompile(`\b\w+(?:\.\w+)?-[A-Z2-7]{10}\b`), "(worker)", "-"},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "(id)", "-"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?`), "(time)", "-"},
	{regexp.MustCompile(`(?i)\[[0-9a-f:.%a-z]*:[0-9a-f:.%a-z]*\](?::\d+)?|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b`), "(host)", digits},
	{regexp.MustCompile(`\b((?:[a-zA-Z][\w-]*)(?:\.[\w-]+)*):\d{2,5}\b`), "$1:(port)", ":"},
	{regexp.MustCompile(`\b(?:\d+(?:\.\d+)?(?:h|ms|µs|us|ns|m|s))+\b`), "(time)", digits},
	{regexp.MustCompile(`\b0[xX][0-9a-fA-F]+\b|\b[0-9a-fA-F]*[0-9][0-9a-fA-F]*[a-fA-F][0-9a-fA-F]*\b|\b[a-fA-F]+[0-9][0-9a-fA-F]*\b`), "(id)", digits},
	{regexp.MustCompile(`\d+(?:[.,]\d+)*`), "#", digits},
	{regexp.MustCompile(`\s+`), " ", ""},
}

// gist returns the part of a text that the errors of one cause have in common.
func gist(text string) string {
	for _, d := range differing {
		if d.with != "" && !strings.ContainsAny(text, d.with) {
			continue
		}
		text = d.what.ReplaceAllString(text, d.mark)
	}
	return text
}

// fingerprint returns the first 12 digits of the gist's SHA-256.
func fingerprint(text string) string {
	sum := sha256.Sum256([]byte(gist(text)))
	return hex.EncodeToString(sum[:])[:12]
}
