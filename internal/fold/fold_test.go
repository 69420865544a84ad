package fold_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/backlist/backlist/internal/fold"
)

func TestString(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                         "",
		"  Emma  ":                 "emma",
		"Brontë":                   "bronte",
		"Bronte\u0308":             "bronte",
		"Les Misérables":           "les miserables",
		"STRASSE straße STRAẞE":    "strasse strasse strasse",
		"Søren Łódź Đorđe Æsop":    "soren lodz dorde aesop",
		"ıİI":                      "iii",
		"œuvre ﬁn":                 "oeuvre fin",
		"Moby-Dick; or, the Whale": "moby dick or the whale",
		"Gulliver’s":               "gulliver s",
		"Достоевский":              "достоевскии",
		"Ὀδύσσεια ΟΔΟΣ":            "οδυσσεια οδοσ",
		"红楼梦":                      "红楼梦",
		"🐳%_\\\x00":                "",
		"a\xffb":                   "a b",
		"２０世紀":                     "20世紀",
	} {
		if got := fold.String(in); got != want {
			t.Errorf("String(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Moby-Dick":                 "moby dick mobydick",
		"Tess of the d'Urbervilles": "tess of the d urbervilles durbervilles",
		"H. G. Wells":               "h g hg wells",
		"J.R.R. Tolkien":            "j r jrr tolkien",
		"The The":                   "the",
		"Twenty Thousand Leagues":   "twenty thousand leagues",
		"I, Claudius":               "i claudius",
	} {
		got := fold.Index(in)
		wanted := strings.Fields(want)
		slices.Sort(got)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("Index(%q) = %q, want %q", in, got, wanted)
		}
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"The Trial": "trial", "A": "a", "Another Country": "another country", "An Ideal Husband": "ideal husband"} {
		if got := fold.Title(in); got != want {
			t.Errorf("Title(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestVariants(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"": "", "a": "a", "anna": "anna nna ana ann", "été": "été té éé ét"} {
		if got := strings.Join(fold.Variants(word), " "); got != want {
			t.Errorf("Variants(%q) = %q, want %q", word, got, want)
		}
	}
	if got := fold.Variants("abcdefgh"); len(got) != 1+8+28 {
		t.Errorf("8 letters have %d variants, want 37", len(got))
	}
	if got := fold.Variants(strings.Repeat("ab", 20)); len(got) != 1 {
		t.Errorf("40 letters have %d variants, want only the word", len(got))
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b        string
		limit, want int
	}{
		{"", "", 1, 0},
		{"emma", "emma", 1, 0},
		{"emma", "ema", 1, 1},
		{"emma", "emna", 1, 1},
		{"emma", "mema", 1, 1},
		{"emma", "emmas", 1, 1},
		{"emma", "anna", 1, 2},
		{"dostoyevski", "dostoevsky", 2, 2},
		{"shakespere", "shakespeare", 2, 1},
		{"ca", "abc", 3, 3}, // not 2: swapped letters are not changed again
		{"bronté", "bronte", 1, 1},
		{"abcdefgh", "hgfedcba", 2, 3},
	} {
		if got := fold.Distance(c.a, c.b, c.limit); got != c.want {
			t.Errorf("Distance(%q, %q, %d) = %d, want %d", c.a, c.b, c.limit, got, c.want)
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"Brontë", "İıẞŉﬁ½ϴςΣ", "a\xff\x00b", "e\u0301\u200d🐳", "각", "ᴬʰⅣ㎏"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := fold.String(s)
		if twice := fold.String(once); twice != once {
			t.Fatalf("%q folds to %q, and that to %q", s, once, twice)
		}
		if !utf8.ValidString(once) {
			t.Fatalf("%q folds to invalid %q", s, once)
		}
		if strings.Contains(once, "  ") || strings.TrimSpace(once) != once {
			t.Fatalf("%q folds to %q with stray space", s, once)
		}
		fold.Index(s)
	})
}

// A word with a single error shares a variant with the correct one, and its distance is one.
func FuzzVariants(f *testing.F) {
	f.Add("karamazov", uint8(3), uint8(0), 'x')
	f.Add("emma", uint8(1), uint8(1), 'é')
	f.Add("alice", uint8(4), uint8(2), 'e')
	f.Add("bovary", uint8(5), uint8(3), 'b')
	f.Fuzz(func(t *testing.T, word string, at, kind uint8, letter rune) {
		if !utf8.ValidString(word) || !utf8.ValidRune(letter) {
			t.Skip("folded words are valid")
		}
		letters := []rune(word)
		if len(letters) < 2 || len(letters) > 23 {
			t.Skip("words of this length are not varied")
		}
		i := int(at) % (len(letters) - 1)
		typed := slices.Clone(letters)
		switch kind % 4 {
		case 0:
			typed[i] = letter
		case 1:
			typed = slices.Insert(typed, i, letter)
		case 2:
			typed = slices.Delete(typed, i, i+1)
		case 3:
			typed[i], typed[i+1] = typed[i+1], typed[i]
		}
		mine, theirs := fold.Variants(word), fold.Variants(string(typed))
		if !slices.ContainsFunc(mine, func(v string) bool { return slices.Contains(theirs, v) }) {
			t.Fatalf("%q and %q share no variant", word, string(typed))
		}
		if d := fold.Distance(word, string(typed), 1); d > 1 {
			t.Fatalf("Distance(%q, %q) = %d", word, string(typed), d)
		}
		if a, b := fold.Distance(word, string(typed), 2), fold.Distance(string(typed), word, 2); a != b {
			t.Fatalf("the distance of %q and %q depends on the order: %d, %d", word, string(typed), a, b)
		}
	})
}
