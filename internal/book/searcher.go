package book

import (
	"context"
	"slices"
	"strings"

	"github.com/backlist/backlist/internal/fold"
	"github.com/backlist/backlist/internal/store"
)

// What a word counts for, times its weight in the book.
const (
	asTyped   = 6
	asPrefix  = 4
	asMistake = 3
)

// searcher looks for the tokens of one search.
type searcher struct {
	db      store.DBTX
	subject string
	exact   string   // the word of a title that is all that was typed
	words   []string // that were typed
	tokens  []token  // those of them that are looked for
}

// find tries the words as typed; if no book has all of them, typing errors are forgiven in the words that no book has,
// then in all. Where that is not enough either, the books that have most of the words are found.
func (s searcher) find(ctx context.Context, page int) (hits, error) {
	if len(s.tokens) == 0 {
		return hits{page: 1}, nil
	}
	best, err := s.run(ctx, page, nil)
	if err != nil || best.matched == s.needed() {
		return best, err
	}
	strange, err := s.strange(ctx)
	if err != nil {
		return hits{}, err
	}
	for _, doubtful := range [][]token{strange, s.tokens} {
		if len(doubtful) == 0 || best.matched == s.needed() {
			continue
		}
		similar, err := s.similar(ctx, doubtful)
		if err != nil {
			return hits{}, err
		}
		if len(similar) == 0 {
			continue
		}
		h, err := s.run(ctx, page, similar)
		if err != nil {
			return hits{}, err
		}
		if h.matched > best.matched {
			if h.corrected, err = s.corrected(ctx, h, similar); err != nil {
				return hits{}, err
			}
			best = h
		}
	}
	best.partial = best.matched > 0 && best.matched < s.needed()
	return best, nil
}

func (s searcher) needed() int {
	n := 0
	for _, t := range s.tokens {
		if t.needed {
			n++
		}
	}
	return n
}

// run finds the books that have most tokens, but at least half of them; similar are words that stand for a token.
func (s searcher) run(ctx context.Context, page int, similar map[string][]string) (hits, error) {
	p := store.BookSearchParams{
		Subject: s.subject, Exact: s.exact, Least: int32(s.needed()+1) / 2, Count: PerPage,
	}
	add := func(n int, t token, low, high string, whole, part int32) {
		needed := int32(0)
		if t.needed {
			needed = 1
		}
		p.Tokens, p.Lows, p.Highs = append(p.Tokens, int32(n)), append(p.Lows, low), append(p.Highs, high)
		p.Wholes, p.Parts, p.Needed = append(p.Wholes, whole), append(p.Parts, part), append(p.Needed, needed)
	}
	for n, t := range s.tokens {
		add(n, t, t.word, t.end(), asTyped, asPrefix)
		for _, word := range similar[t.word] {
			add(n, t, word, token{word: word}.end(), asMistake, asMistake)
		}
	}
	return orLast(page, func(page int) (hits, error) {
		p.Skip = int32((page - 1) * PerPage)
		rows, err := store.New().BookSearch(ctx, s.db, p)
		h := hits{page: page}
		for _, r := range rows {
			h.ids, h.total, h.matched = append(h.ids, r.BookID), int(r.Total), int(r.Tokens)
		}
		return h, err
	})
}

// end is the first word behind the token's own, or behind all that begin with it.
func (t token) end() string {
	if t.prefix {
		return t.word + "\U0010FFFF"
	}
	return t.word + "\x01"
}

// strange returns the needed tokens that no book has.
func (s searcher) strange(ctx context.Context) ([]token, error) {
	var lows, highs []string
	for _, t := range s.tokens {
		lows, highs = append(lows, t.word), append(highs, t.end())
	}
	known, err := store.New().WordRangesKnown(ctx, s.db, lows, highs)
	var strange []token
	for i, t := range s.tokens {
		if t.needed && !slices.Contains(known, int32(i+1)) {
			strange = append(strange, t)
		}
	}
	return strange, err
}

// similar returns, for each of the tokens, the indexed words that are fewest typing errors away.
func (s searcher) similar(ctx context.Context, tokens []token) (map[string][]string, error) {
	var variants []string
	for _, t := range tokens {
		if fold.Typos(t.word) > 0 {
			variants = append(variants, fold.Variants(t.word)...)
		}
	}
	if len(variants) == 0 {
		return nil, nil
	}
	words, err := store.New().WordsByVariant(ctx, s.db, variants)
	similar := map[string][]string{}
	for _, t := range tokens {
		nearest := fold.Typos(t.word)
		for _, word := range words {
			switch d := fold.Distance(t.word, word, nearest); {
			case d == 0 || d > nearest:
			case d < nearest:
				nearest, similar[t.word] = d, []string{word}
			default:
				similar[t.word] = append(similar[t.word], word)
			}
		}
	}
	return similar, err
}

// corrected says what was understood: what was typed, but for the words in whose place the first book found has another.
// It is empty where there is none.
func (s searcher) corrected(ctx context.Context, h hits, similar map[string][]string) (string, error) {
	var near []string
	for _, words := range similar {
		near = append(near, words...)
	}
	if len(h.ids) == 0 {
		return "", nil
	}
	has, err := store.New().WordsOfBook(ctx, s.db, h.ids[0], near)
	if err != nil {
		return "", err
	}
	understood, changed := slices.Clone(s.words), false
	for i, word := range understood {
		if n := slices.IndexFunc(similar[word], func(w string) bool { return slices.Contains(has, w) }); n >= 0 {
			understood[i], changed = similar[word][n], true
		}
	}
	if !changed {
		return "", nil
	}
	return strings.Join(understood, " "), nil
}
