package console

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/a-h/templ"
)

// plain returns a text of unknown origin with its control and format characters
// written out as in JSON, so that none of them hides or reverses what stands
// beside it. Line breaks, tabs and joiners, which scripts and emoji need, stay.
func plain(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if hidden(r) {
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&out, `\u%04x`, unit)
			}
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' && r != '\n' && r != '\t' || r == 0x7f
	}
	return r != '\u200c' && r != '\u200d' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
}

// SQLText writes a text as a literal that means the same with standard_conforming_strings on and off, without control and format
// characters: they could act in a terminal.
func SQLText(text string) string {
	var out strings.Builder
	escaped := false
	for _, r := range text {
		switch {
		case r == '\'':
			out.WriteString("''")
		case r == '\\':
			out.WriteString(`\\`)
			escaped = true
		case hidden(r):
			fmt.Fprintf(&out, `\U%08x`, r)
			escaped = true
		default:
			out.WriteRune(r)
		}
	}
	if escaped {
		return "E'" + out.String() + "'"
	}
	return "'" + out.String() + "'"
}

// brief returns at most n characters of a text.
func brief(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n]) + "…"
	}
	return text
}

// Plain writes a component without control and format characters: a program chooses the names of kinds, queues and workers, and the
// texts of errors. In text they are written out as in JSON. In attributes they are references, so that forms send the names as they
// are.
func Plain(c templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		var markup strings.Builder
		if err := c.Render(ctx, &markup); err != nil {
			return err
		}
		_, err := io.WriteString(w, plainMarkup(markup.String()))
		return err
	})
}

func plainMarkup(markup string) string {
	if !strings.ContainsFunc(markup, hidden) {
		return markup
	}
	var out strings.Builder
	inTag := false // templ escapes both brackets in text and in attributes
	for i, r := range markup {
		switch {
		case r == '\r' && !inTag && strings.HasPrefix(markup[i:], "\r\n"): // a form's line ends so
		case !hidden(r):
			inTag = r == '<' || inTag && r != '>'
			out.WriteRune(r)
		case !inTag:
			out.WriteString(plain(string(r)))
		case r >= 0x80 && r < 0xa0: // HTML takes a reference for a character of Windows
			out.WriteRune(r)
		default:
			fmt.Fprintf(&out, "&#x%x;", r)
		}
	}
	return out.String()
}
