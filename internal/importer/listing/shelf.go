package listing

import (
	"strings"
	"time"

	"github.com/backlist/backlist/internal/fold"
)

// The shelves of this site.
const (
	toRead  = "to-read"
	reading = "reading"
	read    = "read"
)

// shelfNames maps the folded names of shelves and states of other sites to ours; unfinished ones to none.
var shelfNames = map[string]string{
	"to read": toRead, "want to read": toRead, "wishlist": toRead, "wish list": toRead, "tbr": toRead, "owned to read": toRead, "unread": toRead,
	"currently reading": reading, "reading": reading, "in progress": reading, "started": reading,
	"read": read, "already read": read, "finished": read, "completed": read, "done": read, "read but unowned": read,
	"did not finish": "", "dnf": "", "abandoned": "", "dropped": "", "wont finish": "", "won t finish": "", "gave up": "", "stopped reading": "", "none": "",
}

// wishes are the beginnings of the names of shelves such as "to-read-non-fiction" and "want-to-finish-eventually".
var wishes = []string{"to read ", "want to ", "tbr "}

// shelf translates the name of a shelf. A shelf that readers made themselves is guessed from its name and the date of reading.
func (c *cells) shelf(name string, finished time.Time) string {
	folded := fold.String(name)
	if folded == "" {
		return ""
	}
	if ours, ok := shelfNames[folded]; ok {
		if ours == "" && folded != "none" {
			c.note("The shelf “%s” has no counterpart here.", shorten(name, 40))
		}
		return ours
	}
	for _, beginning := range wishes {
		if strings.HasPrefix(folded, beginning) {
			return toRead
		}
	}
	if !finished.IsZero() {
		return read
	}
	c.note("The shelf “%s” has no counterpart here.", shorten(name, 40))
	return ""
}

// opinion reads what a reader says about the book: stars, shelf and their times.
func (c *cells) opinion(row *Row, rating, shelf string, finished, added time.Time) error {
	stars, rounded, ok := parseStars(rating)
	if !ok {
		return c.fail("The rating “%s” is not a number from 0 to 5.", shorten(tidy(rating), 40))
	}
	if rounded {
		c.note("The rating %s was rounded to half a star.", tidy(rating))
	}
	row.Stars, row.Shelf = stars, c.shelf(shelf, finished)
	row.RatedAt, row.ShelvedAt = finished, added
	if row.RatedAt.IsZero() {
		row.RatedAt = added
	}
	if row.Shelf == read && !finished.IsZero() {
		row.ShelvedAt = finished
	}
	return nil
}

// leftOut notes the parts of a row that this site cannot keep.
func (c *cells) leftOut(columns ...string) {
	var names []string
	for _, name := range columns {
		if tidy(c.values[name]) != "" {
			names = append(names, quote(name))
		}
	}
	if len(names) > 0 {
		c.note("This site has no place for %s.", list(names))
	}
}
