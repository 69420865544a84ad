package ui

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/a-h/templ"
)

// Problems returns the problems of a form: first the one of the whole form, if
// any, then those of the fields in their order.
func Problems(whole string, fields ...Field) []Problem {
	var out []Problem
	if whole != "" {
		out = append(out, Problem{Text: whole})
	}
	for _, f := range fields {
		if f.Input.Error != "" {
			out = append(out, Problem{Field: f.Name, Text: f.Input.Error})
		}
	}
	return out
}

func (f Field) kind() string { return cmp.Or(f.Type, "text") }

// Described returns the attributes that tie an input to its hint and its error
// for screen readers.
func Described(name, hint, wrong string) templ.Attributes {
	var ids []string
	attrs := templ.Attributes{}
	if hint != "" {
		ids = append(ids, name+"-hint")
	}
	if wrong != "" {
		ids = append(ids, name+"-error")
		attrs["aria-invalid"] = "true"
	}
	if len(ids) > 0 {
		attrs["aria-describedby"] = strings.Join(ids, " ")
	}
	return attrs
}

func summaryTitle(n int) string {
	if n == 1 {
		return "One thing needs another look"
	}
	return fmt.Sprintf("%d things need another look", n)
}

// Live returns the attributes by which htmx sends a form and renews the part of
// the page with that id, the flash and the content of other parts. They need
// hx-post beside them. Without htmx the form's action does the same.
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
