package ui

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/a-h/templ"
)

// Problems collects what is wrong with a form: first the sentence about the
// whole of it, if there is one, then one for each field in the order given.
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

// Described ties an input to its hint and its error for a screen reader.
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
