package ui

import (
	"fmt"

	"github.com/a-h/templ"
)

func (r Rating) action() templ.SafeURL {
	return templ.SafeURL(fmt.Sprintf("/books/%d/rating", r.BookID))
}

// id names an element of this book's form; several forms share a page.
func (r Rating) id(what string) string { return fmt.Sprintf("%s-%d", what, r.BookID) }
