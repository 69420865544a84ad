package lab

import (
	"strings"
	"testing"
)

// TestCode: every part of the program that a page shows exists, is short, and is Go as gofmt writes it.
func TestCode(t *testing.T) {
	t.Parallel()
	slugs := map[string]bool{}
	for _, e := range Experiments() {
		if slugs[e.Slug] || e.Title == "" || e.Purpose == "" || e.Button == "" || e.Limit == 0 || len(e.Code) == 0 {
			t.Errorf("experiment %+v", e)
		}
		slugs[e.Slug] = true
		for _, c := range e.Code {
			text := c.Text()
			if lines := strings.Count(text, "\n") + 1; text == "" || lines > 24 || !strings.HasPrefix(text, "// ") {
				t.Errorf("%s, %s has %d lines:\n%s", c.File, c.Func, lines, text)
			}
		}
	}
	if (Code{File: "no.go"}).Text() != "" || (Code{File: "inline_site.go", Func: "nothing"}).Text() != "" {
		t.Error("a part that does not exist has a text")
	}
}
