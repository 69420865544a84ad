package fold

import "unicode/utf8"

const (
	// LongWord is the length in letters from which a word may hold two typing errors.
	LongWord = 8
	// maxVariants bounds the length of words that are varied: nobody searches by longer ones.
	maxVariants = 24
)

// Typos is how many typing errors are forgiven in word.
func Typos(word string) int {
	switch n := utf8.RuneCountInString(word); {
	case n < 3:
		return 0
	case n < LongWord:
		return 1
	default:
		return 2
	}
}

// Variants returns word itself and every way to leave out one of its letters, in words of LongWord letters and more also
// two, each once. A mistyped word shares a variant with the right one: they meet half-way, so that a plain index finds
// it. Some words that share one are further apart than that: check by Distance. Words of more than 24 letters have no
// variants but themselves.
func Variants(word string) []string {
	letters := []rune(word)
	variants := []string{string(letters)}
	if n := len(letters); n < 2 || n > maxVariants {
		return variants
	}
	seen := map[string]bool{variants[0]: true}
	depth := 1
	if len(letters) >= LongWord {
		depth = 2
	}
	var drop func(letters []rune, from, depth int)
	drop = func(letters []rune, from, depth int) {
		for i := from; i < len(letters); i++ {
			shorter := append(append(make([]rune, 0, len(letters)-1), letters[:i]...), letters[i+1:]...)
			if v := string(shorter); !seen[v] {
				seen[v] = true
				variants = append(variants, v)
			}
			if depth > 1 {
				drop(shorter, i, depth-1) // from i: the pairs before it have been made
			}
		}
	}
	drop(letters, 0, depth)
	return variants
}
