package book

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/fold"
	"github.com/backlist/backlist/internal/store"
)

// Weights of words by their place. The comment of table book_word repeats them.
const (
	inTitle   = 8
	inAuthor  = 6
	inSeries  = 3
	inSubject = 2
)

// maxExact is the length in bytes up to which a whole title is indexed, safely below what an index entry can hold.
const maxExact = 1000

// Index updates the search index of the books with these ids.
func Index(ctx context.Context, tx pgx.Tx, ids []int64) error {
	q := store.New()
	books, err := q.BookFacts(ctx, tx, ids)
	if err != nil {
		return fmt.Errorf("load what to index: %w", err)
	}
	var p store.BookWordsPutParams
	vocabulary := map[string]bool{}
	for _, b := range books {
		for word, weight := range IndexWords(b) {
			p.Words, p.BookIds, p.Weights = append(p.Words, word), append(p.BookIds, b.ID), append(p.Weights, weight)
			vocabulary[word] = true
		}
	}
	gone, err := q.BookWordsPrune(ctx, tx, store.BookWordsPruneParams{Ids: ids, Words: p.Words, BookIds: p.BookIds})
	if err != nil {
		return fmt.Errorf("remove old words: %w", err)
	}
	if err := q.BookWordsPut(ctx, tx, p); err != nil {
		return fmt.Errorf("write words: %w", err)
	}
	if err := q.PopularWordsRefresh(ctx, tx, ids); err != nil {
		return fmt.Errorf("write the words of popular books: %w", err)
	}
	return indexVariants(ctx, tx, vocabulary, gone)
}

// IndexWords returns the words under which a book is found, with their weights. The whole title is one of them.
func IndexWords(b store.BookFactsRow) map[string]int16 {
	words := map[string]int16{}
	add := func(text string, weight int16) {
		for _, word := range fold.Index(text) {
			if len(word) <= maxToken {
				words[word] = max(words[word], weight)
			}
		}
	}
	for _, title := range []string{b.Title, b.OriginalTitle} {
		add(title, inTitle)
		if exact := exactTitle(title); len(exact) > 1 && len(exact) <= maxExact {
			words[exact] = 0
		}
	}
	for _, author := range b.Authors {
		add(author, inAuthor)
	}
	add(b.Series, inSeries)
	for _, subject := range b.Subjects {
		add(subject, inSubject)
	}
	return words
}

// indexVariants adds the variants (by typing errors) of new words, and removes those of words that are gone.
func indexVariants(ctx context.Context, tx pgx.Tx, vocabulary map[string]bool, gone []string) error {
	q := store.New()
	words := make([]string, 0, len(vocabulary))
	for word := range vocabulary {
		if !strings.HasPrefix(word, "=") {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	fresh, err := q.WordsWithoutVariants(ctx, tx, words)
	if err != nil {
		return fmt.Errorf("look for new words: %w", err)
	}
	variants, of := IndexVariants(fresh)
	if len(variants) > 0 {
		if err := q.WordVariantsPut(ctx, tx, variants, of); err != nil {
			return fmt.Errorf("write the variants of words: %w", err)
		}
	}
	if len(gone) > 0 {
		variants, _ = IndexVariants(gone)
		if err := q.WordVariantsPrune(ctx, tx, variants, gone); err != nil {
			return fmt.Errorf("remove the variants of old words: %w", err)
		}
	}
	return nil
}

// IndexVariants returns the variants (by typing errors) of words, and the word of each variant.
func IndexVariants(words []string) (variants, of []string) {
	for _, word := range words {
		for _, variant := range fold.Variants(word) {
			variants, of = append(variants, variant), append(of, word)
		}
	}
	return variants, of
}
