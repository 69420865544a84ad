// Package fold makes text comparable: without accents, case and punctuation. It also says how far two words are apart,
// and lists the ways in which a word can be mistyped. It knows letters only: no language, no database.
package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// special are letters that Unicode does not decompose, as people without their keys type them. The keys are lower case:
// text is in lower case when they are looked up.
var special = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h", 'ŧ': "t",
	'ŋ': "n", 'ĸ': "k", 'ə': "e", 'ς': "σ",
}

// String folds s: compatibility forms and accents are taken apart and the marks dropped, letters are lower case, and
// every run of anything but letters and digits is one space; there are none at the ends. The result is valid UTF-8
// whatever s is, and folding it again changes nothing.
func String(s string) string {
	if ascii(s) {
		return spaced(s)
	}
	// Lower case can bring letters that decompose in their turn (İ is one), so what is found is folded until it is still.
	for range 4 {
		next := spaced(once(s))
		if next == s {
			break
		}
		s = next
	}
	return s
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func once(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(s, " ")) {
		if unicode.Is(unicode.M, r) {
			continue
		}
		r = unicode.ToLower(r)
		if plain, ok := special[r]; ok {
			b.WriteString(plain)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// spaced lowers the case of s and makes each run of characters that belong to no word one space.
func spaced(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	gap := false
	for _, r := range s {
		if !isWord(r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte(' ')
			gap = false
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// isWord reports whether r is part of a word. The letter apostrophe (ʼ, as ŉ has it) separates like the others.
func isWord(r rune) bool {
	return (unicode.IsLetter(r) && r != 'ʼ' && r != utf8.RuneError) || unicode.IsNumber(r)
}
