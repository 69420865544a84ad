// Package bound limits the size of what a job stores. Text comes from mail servers, libraries and panics, and without a limit one
// reply of megabytes would fill the job's row, the worker's memory and every list of jobs.
package bound

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits, in bytes.
const (
	// Error is the limit of an error's text or a panic's value, as the job stores it.
	Error = 8 << 10
	// Trace is the limit of a panic's stack.
	Trace = 16 << 10
	// Line is the limit of a message and of each value in a job's log.
	Line = 4 << 10
	// Value is the limit of each value in a job's metadata: an output, a cursor, or any other that the worker sets.
	Value = 64 << 10
	// Name is the limit of a short text, such as a request's id or a key.
	Name = 200
)

// Text shortens text to at most most bytes, including a note of its full length, and makes it valid UTF-8 without NUL, which
// Postgres can store.
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

// Quote quotes a text from outside for an error, shortened and on one line.
func Quote(text string) string {
	if cut := []rune(text); len(cut) > 40 {
		text = string(cut[:40]) + "…"
	}
	return strconv.Quote(text)
}
