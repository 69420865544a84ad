// Package page holds the pages that readers see: one file each, with one
// exported component and the one struct that it is set from. The structs hold
// words, numbers and addresses as they are shown.
//
// Forms post application/x-www-form-urlencoded and work without JavaScript. A
// handler answers success with 303, and wrong input with 422 and the same page,
// the typed values and a sentence per field filled in. Where htmx sends the
// form it follows the redirect and takes its part out of the whole page, so a
// handler need not know whether htmx asked.
package page
