package surface

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A cursor is where a page ends in each part of a search: the last job of it that a page has shown or tested.
type cursor map[string]place

// A place in a part is after one job; end means that no job is left.
type place struct {
	at  string // when the job finished, if the part is in that order
	id  int64
	end bool
}

// placeLayout is a time of Postgres in UTC, as text.
const placeLayout = "2006-01-02 15:04:05.999999"

// String returns the cursor for a URL.
func (c cursor) String() string {
	var lines []string
	for name, p := range c {
		if p.end {
			lines = append(lines, name)
		} else {
			lines = append(lines, name+"|"+strconv.FormatInt(p.id, 10)+"|"+p.at)
		}
	}
	slices.Sort(lines)
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(lines, "\n")))
}

func parseCursor(text string) (cursor, error) {
	c := cursor{}
	if text == "" {
		return c, nil
	}
	bad := &SearchError{Code: "bad_cursor", Sentence: "The link to the next page is damaged.", Instead: "the search again."}
	lines, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(lines) > longestSearch {
		return nil, bad
	}
	for line := range strings.SplitSeq(string(lines), "\n") {
		name, rest, more := strings.Cut(line, "|")
		if name != found && !slices.Contains(states(), name) {
			return nil, bad
		}
		if !more {
			c[name] = place{end: true}
			continue
		}
		number, at, _ := strings.Cut(rest, "|")
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil || id < 0 || id == 0 && !isFinished(name) {
			return nil, bad
		}
		if _, err := time.Parse(placeLayout, at); err != nil && isFinished(name) && at != "infinity" && at != "-infinity" {
			return nil, bad
		}
		c[name] = place{id: id, at: at}
	}
	return c, nil
}
