package fold

import (
	"strings"
	"unicode"
)

// Words returns the folded words of s in their order.
func Words(s string) []string { return strings.Fields(String(s)) }

// Index returns the words of s under which it should be found, each once: its Words, and those that people write in one:
// "Moby-Dick" also as mobydick, "d'Urbervilles" as durbervilles, "H. G." as hg.
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

// Title returns s folded as titles are compared: without the article in front, by which nobody remembers a book.
func Title(s string) string {
	folded := String(s)
	for _, article := range []string{"the ", "a ", "an "} {
		if rest, ok := strings.CutPrefix(folded, article); ok {
			return rest
		}
	}
	return folded
}
