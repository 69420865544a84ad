package bookui

import (
	"fmt"

	"github.com/a-h/templ"
)

// URL returns the address of a book's page.
func URL(id int64) templ.SafeURL { return templ.SafeURL(fmt.Sprintf("/books/%d", id)) }

// StarsText returns halves (1-10) in words: 7 is "3½ stars".
func StarsText(halves int) string {
	switch {
	case halves <= 0:
		return "no stars"
	case halves == 1:
		return "½ star"
	case halves == 2:
		return "1 star"
	case halves%2 == 1:
		return fmt.Sprintf("%d½ stars", halves/2)
	default:
		return fmt.Sprintf("%d stars", halves/2)
	}
}

// StarsValue returns the value that the rating form posts for halves: 7 is "3.5".
func StarsValue(halves int) string {
	if halves%2 == 1 {
		return fmt.Sprintf("%d.5", halves/2)
	}
	return fmt.Sprintf("%d", halves/2)
}

// ShelfName returns a shelf's name on the page.
func ShelfName(status string) string {
	switch status {
	case "to-read":
		return "Want to read"
	case "reading":
		return "Reading"
	case "read":
		return "Read"
	default:
		return "Not on a shelf"
	}
}

// byline returns the line below a title: the author and, if known, the year.
func byline(author, year string) string {
	if year == "" {
		return author
	}
	return author + ", " + year
}
