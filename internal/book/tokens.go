package book

import (
	"slices"
	"unicode/utf8"
)

const (
	maxText   = 400 // bytes of a search text that are read, more than readers type
	maxTokens = 8
	maxToken  = 64 // bytes; no word of a title is longer
)

// token is a word of a search.
type token struct {
	word   string
	needed bool // false for a lone letter ("dracula s"), which only improves the rank
	prefix bool // long enough to match the words that begin with it
}

// common words are ignored beside others, because readers often omit or confuse them.
var common = []string{"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"}

// tokenize returns the words to search for, without repetition and at most eight. Without tokens a search finds nothing.
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
	slices.SortStableFunc(tokens, func(a, b token) int { // lone letters are dropped first
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
