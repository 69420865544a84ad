package catalogue

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func load(t *testing.T) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSize(t *testing.T) {
	t.Parallel()
	c := load(t)
	if len(c.Books) < 340 {
		t.Errorf("%d books, want at least 340", len(c.Books))
	}
	early, named := 0, 0
	for _, b := range c.Books {
		if b.Year <= 1929 {
			early++
		}
		if b.OriginalTitle != "" {
			named++
		}
	}
	if early*10 < len(c.Books)*9 {
		t.Errorf("only %d of %d books by 1929", early, len(c.Books))
	}
	t.Logf("%d books (%d with an original title), %d authors, %d subjects", len(c.Books), named, len(c.Authors), len(c.Subjects))
}

func TestOrder(t *testing.T) {
	t.Parallel()
	c := load(t)
	if !slices.IsSortedFunc(c.Subjects, func(a, b Subject) int { return cmp.Compare(a.Slug, b.Slug) }) {
		t.Error("subjects are not in order")
	}
	for i, a := range c.Authors[1:] {
		if a.Slug < c.Authors[i].Slug {
			t.Errorf("author %s comes after %s", a.Slug, c.Authors[i].Slug)
		}
	}
	undated := true
	for i, b := range c.Books {
		if b.Year == 0 && !undated {
			t.Errorf("%s has no year and comes after a dated book", b.Slug)
		}
		undated = undated && b.Year == 0
		if i == 0 {
			continue
		}
		a := c.Books[i-1]
		if (a.Year == 0) == (b.Year == 0) && cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(a.Slug, b.Slug)) >= 0 {
			t.Errorf("%s (%d) comes after %s (%d)", b.Slug, b.Year, a.Slug, a.Year)
		}
	}
}

func TestEverythingIsUsed(t *testing.T) {
	t.Parallel()
	c := load(t)
	uses := map[string]int{}
	for _, b := range c.Books {
		for _, a := range b.Authors {
			uses["author "+a]++
		}
		for _, s := range b.Subjects {
			uses["subject "+s]++
		}
	}
	for _, a := range c.Authors {
		if uses["author "+a.Slug] == 0 {
			t.Errorf("author %s has no book", a.Slug)
		}
	}
	for _, s := range c.Subjects {
		if n := uses["subject "+s.Slug]; n < 5 || n > len(c.Books)/3 {
			t.Errorf("subject %s is on %d books, which is too few or too many to compare by", s.Slug, n)
		}
	}
}

func TestYears(t *testing.T) {
	t.Parallel()
	c := load(t)
	authors := map[string]Author{}
	for _, a := range c.Authors {
		authors[a.Slug] = a
		if a.Born != 0 && a.Died != 0 && (a.Died-a.Born < 17 || a.Died-a.Born > 105) {
			t.Errorf("%s lived from %d to %d", a.Name, a.Born, a.Died)
		}
	}
	for _, b := range c.Books {
		for _, slug := range b.Authors {
			a := authors[slug]
			if b.Year != 0 && a.Born != 0 && b.Year < a.Born+14 {
				t.Errorf("%s (%d) by %s, born %d", b.Title, b.Year, a.Name, a.Born)
			}
		}
		died := authors[b.Authors[0]].Died
		if died == 0 || b.Year == 0 {
			continue
		}
		if b.Year > died && !b.Posthumous {
			t.Errorf("%s (%d) by an author who died in %d is not marked posthumous", b.Title, b.Year, died)
		}
		if b.Year < died && b.Posthumous {
			t.Errorf("%s (%d) by an author who died in %d is marked posthumous", b.Title, b.Year, died)
		}
	}
}

func TestWording(t *testing.T) {
	t.Parallel()
	c := load(t)
	titles, sentences := map[string]string{}, map[string]string{}
	for _, b := range c.Books {
		if n := len(b.Subjects); n < 2 || n > 5 {
			t.Errorf("%s has %d subjects", b.Slug, n)
		}
		if n := utf8.RuneCountInString(b.About); n < 25 || n > 140 {
			t.Errorf("%s: the sentence has %d characters", b.Slug, n)
		}
		if !strings.HasSuffix(b.About, ".") && !strings.HasSuffix(b.About, "?") {
			t.Errorf("%s: the sentence does not end", b.Slug)
		}
		if b.OriginalTitle == b.Title {
			t.Errorf("%s: original title is the title", b.Slug)
		}
		key := strings.ToLower(b.Title) + " by " + b.Authors[0]
		if titles[key] != "" {
			t.Errorf("%s and %s have the same title and author", b.Slug, titles[key])
		}
		if sentences[b.About] != "" {
			t.Errorf("%s and %s have the same sentence", b.Slug, sentences[b.About])
		}
		titles[key], sentences[b.About] = b.Slug, b.Slug
		for _, s := range []string{b.Title, b.OriginalTitle, b.Series, b.About} {
			if strings.Contains(s, "  ") || strings.ContainsAny(s, "<>\"|") {
				t.Errorf("%s: %q has a character or spacing we do not use", b.Slug, s)
			}
		}
	}
}

func TestSeries(t *testing.T) {
	t.Parallel()
	places := map[string]string{}
	for _, b := range load(t).Books {
		if b.Volume == "" {
			continue
		}
		key := b.Series + " #" + b.Volume
		if places[key] != "" {
			t.Errorf("%s and %s are both %s", b.Slug, places[key], key)
		}
		places[key] = b.Slug
	}
	for _, want := range []string{
		"Sherlock Holmes #1", "Barsetshire #6", "Anne Shirley #1", "Oz #1", "Tarzan #1", "Barsoom #1", "Musketeers #1",
		"Rougon-Macquart #13", "Leatherstocking #2", "Palliser #1", "Forsyte Saga #1",
	} {
		if places[want] == "" {
			t.Errorf("no book is %s", want)
		}
	}
}

// Books that lists made from editions easily miss, and books from every part of the world.
func TestWideSpread(t *testing.T) {
	t.Parallel()
	have := map[string]bool{}
	for _, b := range load(t).Books {
		have[b.Slug] = true
	}
	for _, slug := range []string{
		"alices-adventures-in-wonderland", "the-trial", "beowulf", "to-the-lighthouse", "the-tale-of-genji", "chaka",
		"dom-casmurro", "noli-me-tangere", "the-thousand-and-one-nights", "seven-brothers", "on-the-origin-of-species",
		"dream-of-the-red-chamber", "gitanjali", "leaves-of-grass", "a-dolls-house", "the-magic-pudding",
	} {
		if !have[slug] {
			t.Errorf("%s is missing", slug)
		}
	}
}
