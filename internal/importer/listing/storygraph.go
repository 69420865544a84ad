package listing

import (
	"strings"
	"time"
)

var storyGraph = Format{
	Name: "StoryGraph", title: "title",
	marks: []string{"title", "read status", "star rating"},
	needs: []string{"title", "authors"},
	wants: []string{"isbn/uid", "last date read", "date added"},
	read: func(c *cells) (Row, error) {
		row, err := c.book()
		if err != nil {
			return row, err
		}
		row.Authors = authors("", strings.Split(c.values["authors"], ",")...)
		row.ISBN, _ = parseISBN(unwrap(c.values["isbn/uid"])) // books without an ISBN have another number there
		finished := c.date("last date read")
		if finished.IsZero() {
			finished = c.lastOf("dates read")
		}
		c.leftOut("review")
		return row, c.opinion(&row, c.values["star rating"], c.get("read status"), finished, c.date("date added"))
	},
}

// lastOf returns the last day of a list of readings such as "2020/01/02-2020/02/03, 2021/05/06".
func (c *cells) lastOf(column string) time.Time {
	last := time.Time{}
	for part := range strings.FieldsFuncSeq(c.values[column], func(r rune) bool { return r == ',' || r == '-' }) {
		if day, ok := parseDate(tidy(part)); ok && day.After(last) {
			last = day
		}
	}
	return last
}
