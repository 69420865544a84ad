package ui

import (
	"fmt"

	"github.com/a-h/templ"
)

// BookURL is the page of the book with this id.
func BookURL(id int64) templ.SafeURL { return templ.SafeURL(fmt.Sprintf("/books/%d", id)) }

// StarsText says halves (1-10) in words: 7 is "3½ stars".
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

// StarsValue is what the rating form posts for halves: 7 is "3.5".
func StarsValue(halves int) string {
	if halves%2 == 1 {
		return fmt.Sprintf("%d.5", halves/2)
	}
	return fmt.Sprintf("%d", halves/2)
}

// ShelfName is what a shelf is called on the page.
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

// Count says a number with its noun: Count(1, "book", "books") is "1 book".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%s %s", Thousands(n), many)
}

// Thousands writes n with a comma after every three digits.
func Thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func byline(author, year string) string {
	if year == "" {
		return author
	}
	return author + ", " + year
}
