// Package page contains the pages for readers, one in each file, with one
// exported component and one struct of its data. The structs have words, numbers
// and addresses as they are shown.
//
// Forms post application/x-www-form-urlencoded and work without JavaScript. A
// handler answers valid input with 303, and invalid input with 422 and the same
// page, with the typed values and a sentence for each field. htmx follows the
// redirect and takes its part out of the whole page, so a handler need not know
// whether htmx sent the form.
package page
