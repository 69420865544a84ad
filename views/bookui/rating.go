package bookui

import (
	"cmp"
	"fmt"

	"github.com/a-h/templ"
)

func (r Rating) action() templ.SafeURL {
	return templ.SafeURL(fmt.Sprintf("/books/%d/rating", r.BookID))
}

// id names an element of this book's form; several forms share a page.
func (r Rating) id(what string) string { return fmt.Sprintf("%s-%d", what, r.BookID) }

func (r Rating) part() string { return cmp.Or(r.Part, r.id("rating")) }

// starHalf is the left half of the star's box for odd numbers, else the right.
func starHalf(h int) string {
	if h%2 == 1 {
		return "0 0 12 24"
	}
	return "12 0 12 24"
}
