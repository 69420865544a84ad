package bookui

import (
	"cmp"
	"fmt"

	"github.com/a-h/templ"
)

func (r Rating) action() templ.SafeURL {
	return templ.SafeURL(fmt.Sprintf("/books/%d/rating", r.BookID))
}

// id returns the id of an element of this book's form, because a page may have
// several forms.
func (r Rating) id(what string) string { return fmt.Sprintf("%s-%d", what, r.BookID) }

func (r Rating) part() string { return cmp.Or(r.Part, r.id("rating")) }

// starHalf returns the view box of the star's left half for odd numbers, and of
// its right half for even ones.
func starHalf(h int) string {
	if h%2 == 1 {
		return "0 0 12 24"
	}
	return "12 0 12 24"
}
