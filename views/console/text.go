package console

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
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
	return r != '\n' && r != '\t' && r != '\u200c' && r != '\u200d' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
}

// brief returns at most n characters of a text.
func brief(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n]) + "…"
	}
	return text
}
