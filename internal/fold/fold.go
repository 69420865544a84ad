// Package fold makes text comparable, by removing accents, case and punctuation. It also measures the distance of two
// words, and lists variants of a word to find mistyped ones. It knows only letters: no language and no database.
package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// special maps letters that Unicode does not decompose to what people type who do not have them on their keyboards. The
// map's keys are in lower case, as is the text when it is looked up.
var special = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h", 'ŧ': "t",
	'ŋ': "n", 'ĸ': "k", 'ə': "e", 'ς': "σ",
}

// String folds s: it decomposes compatibility forms and accents, drops the marks, lowers the case, replaces every run
// of other characters than letters and digits by one space, and trims the ends. The result is valid UTF-8 for any s,
// and folding it again changes nothing.
func String(s string) string {
	if ascii(s) {
		return spaced(s)
	}
	// Lower-casing can produce letters that decompose again (İ does), so folding repeats until nothing changes.
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

// spaced lowers the case of s and replaces each run of characters that are not part of a word by one space.
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

// isWord reports whether r is part of a word. The letter apostrophe (ʼ, part of ŉ) separates words as other apostrophes
// do.
func isWord(r rune) bool {
	return (unicode.IsLetter(r) && r != 'ʼ' && r != utf8.RuneError) || unicode.IsNumber(r)
}
