package ui

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

// Live lets htmx send a form and renew one part of the page, known by its id,
// together with the flash and with the content of other parts. The form's own
// action does the same without it; add hx-post beside this.
func Live(part string, others ...string) templ.Attributes {
	beside := "#flash:innerHTML"
	for _, id := range others {
		beside += ",#" + id + ":innerHTML"
	}
	return templ.Attributes{
		"hx-target":     "#" + part,
		"hx-select":     "#" + part,
		"hx-swap":       "outerMorph",
		"hx-select-oob": beside,
	}
}
