package recommend

import (
	"context"
	"fmt"

	"github.com/backlist/backlist/internal/store"
)

// candidate is a book that may be recommended.
type candidate struct {
	bookID  int64
	score   float32
	series  string
	volume  string
	authors []int64
	because []int64 // books that the reader liked, the strongest reason first
	shown   Item    // of a popular book: how pages show it, but for its rank
}

// choice is a reader's list before it is stored, and the state that it was made from.
type choice struct {
	version int64 // of the reader's ratings
	ratings int
	basis   string
	books   []candidate
	gone    bool // the reader does not exist
}

// choose makes a reader's list. One statement reads the version and scores the ratings. Later reads can only see newer
// data; then the version has changed too, and another run follows.
func choose(ctx context.Context, db store.DBTX, readerID int64) (choice, error) {
	rows, err := store.New().RecommendScore(ctx, db, readerID, depth)
	if err != nil {
		return choice{}, fmt.Errorf("score books for reader %d: %w", readerID, err)
	}
	if len(rows) == 0 {
		return choice{gone: true}, nil
	}
	c := choice{version: rows[0].RatingsVersion, ratings: int(rows[0].Ratings), basis: Neighbours}
	if c.ratings >= MinRatings {
		scored := make([]candidate, 0, len(rows))
		for _, r := range rows {
			if r.BookID != 0 {
				scored = append(scored, candidate{
					bookID: r.BookID, score: r.Score, series: r.Series, volume: r.Volume, authors: r.AuthorIds, because: r.Because,
				})
			}
		}
		if c.books, err = thin(ctx, db, readerID, scored, nil, longest); err != nil {
			return choice{}, err
		}
	}
	switch {
	case len(c.books) == 0:
		c.basis = Popular
		c.books, err = popular(ctx, db, readerID, longest)
	case len(c.books) < tooShort:
		c.books, err = fillUp(ctx, db, readerID, c.books)
	}
	return c, err
}

// popular returns popular books that the reader does not know, without reasons.
func popular(ctx context.Context, db store.DBTX, readerID int64, most int) ([]candidate, error) {
	candidates, err := popularCandidates(ctx, db, readerID)
	if err != nil {
		return nil, err
	}
	return thin(ctx, db, readerID, candidates, nil, most)
}

// fillUp appends popular books to a list that is too short for a page.
func fillUp(ctx context.Context, db store.DBTX, readerID int64, own []candidate) ([]candidate, error) {
	candidates, err := popularCandidates(ctx, db, readerID)
	if err != nil {
		return nil, err
	}
	return thin(ctx, db, readerID, candidates, own, filledUpTo)
}

func popularCandidates(ctx context.Context, db store.DBTX, readerID int64) ([]candidate, error) {
	rows, err := store.New().RecommendPopular(ctx, db, readerID, depth)
	if err != nil {
		return nil, fmt.Errorf("popular books for reader %d: %w", readerID, err)
	}
	candidates := make([]candidate, len(rows))
	for i, r := range rows {
		candidates[i] = candidate{
			bookID: r.BookID, score: r.Score, series: r.Series, volume: r.Volume, authors: r.AuthorIds,
			shown: Item{BookID: r.BookID, Title: r.Title, Authors: r.Authors, Year: r.Year, Series: r.Series, Volume: r.Volume},
		}
	}
	return candidates, nil
}

// thin appends candidates to list, the best first, until it has most books: only the reader's next volume of a series,
// few books of each author, and each book once.
func thin(ctx context.Context, db store.DBTX, readerID int64, candidates, list []candidate, most int) ([]candidate, error) {
	var series []string
	for _, c := range candidates {
		if c.series != "" {
			series = append(series, c.series)
		}
	}
	var volumes []volume
	if len(series) > 0 {
		rows, err := store.New().RecommendVolumes(ctx, db, readerID, series)
		if err != nil {
			return nil, fmt.Errorf("volumes of series: %w", err)
		}
		for _, r := range rows {
			volumes = append(volumes, volume{r.Series, r.Volume, r.Begun})
		}
	}
	return pick(candidates, list, progressOf(volumes), most), nil
}

func pick(candidates, list []candidate, bySeries map[string]progress, most int) []candidate {
	listed, ofAuthor := map[int64]bool{}, map[int64]int{}
	add := func(c candidate) {
		listed[c.bookID] = true
		for _, a := range c.authors {
			ofAuthor[a]++
		}
	}
	for _, c := range list {
		add(c)
	}
	for _, c := range candidates {
		if len(list) >= most {
			break
		}
		if p, known := bySeries[c.series]; listed[c.bookID] || known && !p.allows(c.volume) || atCap(c.authors, ofAuthor) {
			continue
		}
		add(c)
		list = append(list, c)
	}
	return list
}

func atCap(authors []int64, ofAuthor map[int64]int) bool {
	for _, a := range authors {
		if ofAuthor[a] >= perAuthor {
			return true
		}
	}
	return false
}
