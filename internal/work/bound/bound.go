// Package bound limits what a job may leave behind: text comes from mail servers, libraries and panics, and without a limit one
// reply of megabytes fills the job's row, the worker's memory and every list of jobs. All limits are here.
package bound

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits, in bytes.
const (
	// Error is of an error's text, and of a panic's value, as the job keeps it.
	Error = 8 << 10
	// Trace is of a panic's stack.
	Trace = 16 << 10
	// Line is of a message and of each value in a job's log.
	Line = 4 << 10
	// Value is of each value in a job's metadata: an output, a cursor, and what else the worker has set there.
	Value = 64 << 10
	// Name is of a short text: a request's id, a key.
	Name = 200
)

// Text shortens text to at most so many bytes, of which the end says how long it was, and makes it one that Postgres stores:
// valid UTF-8 without NUL.
func Text(text string, most int) string {
	if whole := len(text); whole > most {
		note := fmt.Sprintf(" … (%d bytes in all)", whole)
		cut := max(most-len(note), 0)
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + note
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
}

// Quote quotes outside text for an error: not too long, on one line.
func Quote(text string) string {
	if cut := []rune(text); len(cut) > 40 {
		text = string(cut[:40]) + "…"
	}
	return strconv.Quote(text)
}
