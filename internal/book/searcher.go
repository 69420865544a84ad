package book

import (
	"context"
	"slices"
	"strings"

	"github.com/backlist/backlist/internal/fold"
	"github.com/backlist/backlist/internal/store"
)

// Factors of a word's weight in a book, by how the word matches.
const (
	asTyped   = 6
	asPrefix  = 4
	asMistake = 3
)

// searcher runs one search.
type searcher struct {
	db      store.DBTX
	subject string
	exact   string   // the word of a title that equals the whole text
	words   []string // as typed
	tokens  []token  // the words to search for
}

// find searches for the words as typed. If no book has all of them, it corrects typing errors, first only in the words that no
// book has, then in all. If still no book has all of them, it returns the books that have most of them.
func (s searcher) find(ctx context.Context, page int) (hits, error) {
	if len(s.tokens) == 0 {
		return hits{page: 1}, nil
	}
	h, err := s.run(ctx, page, s.params(nil, s.needed()))
	if err != nil || len(h.ids) > 0 {
		return h, err
	}
	unknown, err := s.unknown(ctx)
	if err != nil {
		return hits{}, err
	}
	readings := []map[string][]string{nil}
	for _, doubtful := range [][]token{unknown, s.tokens} {
		similar, err := s.similar(ctx, doubtful)
		if err != nil {
			return hits{}, err
		}
		if len(similar) == 0 {
			continue
		}
		if h, err = s.run(ctx, page, s.params(similar, s.needed())); err != nil {
			return hits{}, err
		}
		if len(h.ids) > 0 {
			h.corrected, err = s.corrected(ctx, h, similar)
			return h, err
		}
		readings = append(readings, similar)
	}
	return s.most(ctx, page, readings)
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

// params asks for the books with at least this number of tokens. A word of similar counts as its token.
func (s searcher) params(similar map[string][]string, least int) store.BookSearchParams {
	p := store.BookSearchParams{Subject: s.subject, Exact: s.exact, Least: int32(least), Weighed: ranked, Count: PerPage}
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
	return p
}

// run returns a page of books.
func (s searcher) run(ctx context.Context, page int, p store.BookSearchParams) (hits, error) {
	return orLast(page, func(page int) (hits, error) {
		p.Skip = int32((page - 1) * PerPage)
		rows, err := store.New().BookSearch(ctx, s.db, p)
		h := hits{page: page}
		for _, r := range rows {
			h.ids, h.total, h.more = append(h.ids, r.BookID), int(r.Total), r.More
		}
		if h.more {
			h.total = ranked
		}
		h.reached = min(h.total, ranked)
		return h, err
	})
}

// most returns the books that have most of the words, in the reading of the words in which they have the largest number: at least
// half of them.
func (s searcher) most(ctx context.Context, page int, readings []map[string][]string) (hits, error) {
	var reading map[string][]string
	most := int32(0)
	for _, similar := range readings {
		p := s.params(similar, 0)
		reach, err := store.New().BookSearchReach(ctx, s.db, store.BookSearchReachParams{
			Tokens: p.Tokens, Lows: p.Lows, Highs: p.Highs, Needed: p.Needed, Subject: p.Subject,
		})
		if err != nil {
			return hits{}, err
		}
		if reach > most {
			reading, most = similar, reach
		}
	}
	if int(most) < (s.needed()+1)/2 {
		return hits{page: 1}, nil
	}
	h, err := s.run(ctx, page, s.params(reading, int(most)))
	if err != nil {
		return hits{}, err
	}
	h.partial = true
	h.corrected, err = s.corrected(ctx, h, reading)
	return h, err
}

// end returns the first word, in order, after the token's word or, for a prefix, after all words that begin with it.
func (t token) end() string {
	if t.prefix {
		return t.word + "\U0010FFFF"
	}
	return t.word + "\x01"
}

// unknown returns the needed tokens that no book has.
func (s searcher) unknown(ctx context.Context) ([]token, error) {
	var lows, highs []string
	for _, t := range s.tokens {
		lows, highs = append(lows, t.word), append(highs, t.end())
	}
	known, err := store.New().WordRangesKnown(ctx, s.db, lows, highs)
	var unknown []token
	for i, t := range s.tokens {
		if t.needed && !slices.Contains(known, int32(i+1)) {
			unknown = append(unknown, t)
		}
	}
	return unknown, err
}

// similar returns, for each of the tokens, the indexed words with the fewest typing errors between them.
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

// corrected returns the text as typed, with the words replaced for which the first book has another. It is empty if no word
// was replaced.
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
