package fold

import (
	"strings"
	"unicode"
)

// Words returns the folded words of s in order.
func Words(s string) []string { return strings.Fields(String(s)) }

// Index returns the words under which s should be found, without repetitions: its Words, and those that people also
// write as one word: "Moby-Dick" as mobydick, "d'Urbervilles" as durbervilles, "H. G." as hg.
func Index(s string) []string {
	var words []string
	seen := map[string]bool{}
	add := func(word string) {
		if word != "" && !seen[word] {
			seen[word] = true
			words = append(words, word)
		}
	}
	initials := ""
	for _, chunk := range strings.FieldsFunc(s, unicode.IsSpace) {
		parts := Words(chunk)
		for _, part := range parts {
			add(part)
		}
		if len(parts) > 1 {
			add(strings.Join(parts, ""))
		}
		if joined := strings.Join(parts, ""); len(joined) == len(parts) && len(parts) > 0 {
			initials += joined
			continue
		}
		if len(initials) > 1 {
			add(initials)
		}
		initials = ""
	}
	if len(initials) > 1 {
		add(initials)
	}
	return words
}

// Title returns s folded for comparing titles: without a leading article, which people often forget.
func Title(s string) string {
	folded := String(s)
	for _, article := range []string{"the ", "a ", "an "} {
		if rest, ok := strings.CutPrefix(folded, article); ok {
			return rest
		}
	}
	return folded
}
