package book

import (
	"slices"
	"unicode/utf8"
)

const (
	maxText   = 400 // bytes of a search text that are read; nobody types more
	maxTokens = 8
	maxToken  = 64 // bytes; no word of a title is longer
)

// token is a word of a search.
type token struct {
	word   string
	needed bool // a lone letter ("dracula s") helps to rank, but need not be there
	prefix bool // long enough to stand for the words that begin with it
}

// common words are not looked for where there are others: most people leave them out or get them wrong.
var common = []string{"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"}

// tokenize returns which of the words to search for, none twice, at most eight. No tokens: there is nothing to be found.
func tokenize(words []string) []token {
	var tokens []token
	for i, word := range words {
		if len(word) > maxToken || slices.ContainsFunc(tokens, func(t token) bool { return t.word == word }) {
			continue
		}
		n := utf8.RuneCountInString(word)
		last := i == len(words)-1
		tokens = append(tokens, token{word: word, needed: n > 1, prefix: n >= 3 || n == 2 && last})
	}
	rare := slices.DeleteFunc(slices.Clone(tokens), func(t token) bool { return slices.Contains(common, t.word) })
	if slices.ContainsFunc(rare, func(t token) bool { return t.needed }) {
		tokens = rare
	} else {
		for i := range tokens {
			tokens[i].needed = true
		}
	}
	slices.SortStableFunc(tokens, func(a, b token) int { // lone letters are the first to go
		switch {
		case a.needed == b.needed:
			return 0
		case a.needed:
			return -1
		default:
			return 1
		}
	})
	return tokens[:min(len(tokens), maxTokens)]
}
