package importer

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/backlist/backlist/internal/fold"
)

// facts are what is compared of a row and of a book.
type facts struct {
	id      int64 // of the book; 0 for a row
	titles  []title
	authors []author
	series  string
	volume  string
	year    int
}

func newFacts(titles, authors []string, series, volume string, year int) facts {
	f := facts{series: fold.Title(series), volume: volume, year: year}
	for _, text := range titles {
		if text != "" {
			f.titles = append(f.titles, newTitle(text))
		}
	}
	for _, name := range authors {
		if a := newAuthor(name); a.surname != "" {
			f.authors = append(f.authors, a)
		}
	}
	return f
}

// title is a folded title: the whole of it, without what is in brackets, and without the subtitle.
type title struct{ whole, full, short string }

var brackets = regexp.MustCompile(`\([^()]*\)|\[[^][]*\]`)

func newTitle(text string) title {
	t := title{whole: fold.Title(text)}
	plain := brackets.ReplaceAllString(text, " ")
	if t.full = fold.Title(plain); t.full == "" {
		t.full, plain = t.whole, text
	}
	short := plain
	if i := strings.IndexAny(plain, ":;"); i > 0 {
		short = plain[:i]
	}
	if t.short = fold.Title(short); t.short == "" {
		t.short = t.full
	}
	return t
}

// author is a folded name.
type author struct{ surname, initial string }

var suffixes = []string{"jr", "sr", "ii", "iii", "iv"}

func newAuthor(name string) author {
	words := fold.Words(name)
	for len(words) > 1 && slices.Contains(suffixes, words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return author{}
	}
	a := author{surname: words[len(words)-1]}
	if len(words) > 1 {
		_, size := utf8.DecodeRuneInString(words[0])
		a.initial = words[0][:size]
	}
	return a
}

// likeness says how alike two titles or two authors are.
type likeness int

const (
	unlike likeness = iota
	similar
	alike
)

// titleLike compares titles. They are similar if only one has a subtitle; two with different subtitles are different books.
func (f facts) titleLike(g facts) likeness {
	best := unlike
	for _, a := range f.titles {
		for _, b := range g.titles {
			switch {
			case a.full == b.full || a.whole == b.whole:
				return alike
			case a.short == b.short && (a.full == a.short || b.full == b.short):
				best = similar
			}
		}
	}
	return best
}

// authorLike compares the authors. They are alike if the first of either is one of the other's, by surname and initial.
func (f facts) authorLike(g facts) likeness {
	switch {
	case len(f.authors) == 0 && len(g.authors) == 0:
		return alike
	case len(f.authors) == 0 || len(g.authors) == 0:
		return similar
	}
	best := unlike
	for i, a := range f.authors {
		for k, b := range g.authors {
			if i == 0 || k == 0 {
				best = max(best, a.like(b))
			}
		}
	}
	return best
}

func (a author) like(b author) likeness {
	switch {
	case a.surname == b.surname && (a.initial == b.initial || a.initial == "" || b.initial == ""):
		return alike
	case a.surname == b.surname:
		return similar
	case len(a.surname) > 5 && a.initial == b.initial && fold.Distance(a.surname, b.surname, 2) <= 2:
		return similar
	}
	return unlike
}

// volumeLike compares the volumes of a series. A row without one may be any volume of a series with the title of the book.
func (f facts) volumeLike(g facts) likeness {
	one, other := f, g
	if one.volume == "" {
		one, other = g, f
	}
	switch {
	case one.volume == other.volume:
		return alike
	case other.volume != "":
		return unlike
	case one.volume != "1" && slices.ContainsFunc(one.titles, func(t title) bool { return t.full == one.series }):
		return similar
	}
	return alike
}
