package work

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/riverqueue/river/rivertype"
)

// accept refuses what jobs.enqueue refuses and River does not: values that Postgres cannot store, or would store differently.
// It fails before the statement is sent, so the caller's transaction remains usable.
func accept(_ context.Context, p *rivertype.JobInsertParams) error {
	if err := acceptArgs(p.EncodedArgs); err != nil {
		return fmt.Errorf("the args of a %s job: %w", p.Kind, err)
	}
	if p.MaxAttempts < 1 || p.MaxAttempts > math.MaxInt16 {
		return fmt.Errorf("max attempts of a %s job must be 1 to %d, not %d", p.Kind, math.MaxInt16, p.MaxAttempts)
	}
	if p.ScheduledAt != nil {
		if year := p.ScheduledAt.UTC().Year(); year < 1 || year > 9999 {
			return fmt.Errorf("a %s job must be scheduled between the years 1 and 9999, not in %d", p.Kind, year)
		}
	}
	return nil
}

// CheckArgs returns an error if Postgres would refuse these args or read them differently. No job has such args, so
// none can be found by them either.
func CheckArgs(text []byte) error {
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return err
	}
	return acceptArgs(compact.Bytes())
}

// acceptArgs checks JSON as encoding/json writes it: valid, and without white space. It refuses repeated keys, because jsonb
// keeps the last of them, while River makes a job's unique key from the first.
func acceptArgs(text []byte) error {
	switch {
	case len(text) == 0 || text[0] != '{':
		return errors.New("not a JSON object")
	case !utf8.Valid(text):
		return errors.New("not valid UTF-8")
	}
	keys := make([][]byte, 0, 16) // of the objects that are open
	open := make([]int, 0, 8)     // where each object's keys begin
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			open = append(open, len(keys))
		case '}':
			from := open[len(open)-1]
			if key := repeated(keys[from:]); key != nil {
				return fmt.Errorf("the key %q occurs twice", key)
			}
			keys, open = keys[:from], open[:len(open)-1]
		case '"':
			token, err := stringAt(text[i:])
			if err != nil {
				return err
			}
			if i += len(token) - 1; i+1 < len(text) && text[i+1] == ':' {
				keys = append(keys, unquoted(token))
			}
		}
	}
	return nil
}

func repeated(keys [][]byte) []byte {
	slices.SortFunc(keys, bytes.Compare)
	for i := 1; i < len(keys); i++ {
		if bytes.Equal(keys[i-1], keys[i]) {
			return keys[i]
		}
	}
	return nil
}

// stringAt returns the string that text begins with, in its quotes. An escape that jsonb refuses is an error.
func stringAt(text []byte) ([]byte, error) {
	for i := 1; ; i++ {
		switch text[i] {
		case '"':
			return text[:i+1], nil
		case '\\':
			if i++; text[i] != 'u' {
				continue
			}
			switch r := escaped(text[i-1:]); {
			case r == 0:
				return nil, errors.New(`\u0000 cannot be stored`)
			case isLow(r), isHigh(r) && !isLow(escaped(text[i+5:])):
				return nil, fmt.Errorf(`\u%04x is half of a surrogate pair and cannot be stored`, r)
			case isHigh(r):
				i += 10
			}
		}
	}
}

// escaped returns the code unit of the \uXXXX that text begins with, or -1.
func escaped(text []byte) int64 {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	r, err := strconv.ParseInt(string(text[2:6]), 16, 32)
	if err != nil {
		return -1
	}
	return r
}

func isHigh(r int64) bool { return r >= 0xd800 && r <= 0xdbff }

func isLow(r int64) bool { return r >= 0xdc00 && r <= 0xdfff }

func unquoted(token []byte) []byte {
	if bytes.IndexByte(token, '\\') < 0 {
		return token[1 : len(token)-1]
	}
	var s string
	_ = json.Unmarshal(token, &s) // it is valid: encoding/json has written it
	return []byte(s)
}
