package fold

import "unicode/utf8"

const (
	// LongWord is the length in letters from which two typing errors in a word are tolerated.
	LongWord = 8
	// maxVariants bounds the length of words with variants. Searches rarely have longer ones.
	maxVariants = 24
)

// Typos returns the number of typing errors that are tolerated in word.
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

// Variants returns word itself and all results of deleting one of its letters, or also two in words of LongWord letters
// or more, without repetitions. A mistyped word shares a variant with the correct one, so that a plain index finds it.
// Words that share a variant may still be further apart: check them with Distance. The only variant of a word of more
// than 24 letters is itself.
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
				drop(shorter, i, depth-1) // from i: earlier pairs are already in the result
			}
		}
	}
	drop(letters, 0, depth)
	return variants
}
