// Package recommend finds the books that a reader may like next, from what readers of similar taste rated: item-kNN by
// co-occurrence (package knn), rebuilt now and then for the whole site and served for one reader in SQL, with reasons.
package recommend

import (
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/work"
)

// DB is what the workers need of a database: a pool in production, a transaction in tests.
type DB interface {
	store.DBTX
	work.DB
}

// What a run's list is made from.
const (
	// Neighbours: books that resemble those which the reader rated.
	Neighbours = "neighbours"
	// Popular: what everybody likes, for too little is known of this reader's taste.
	Popular = "popular"
)

const (
	// MinRatings is from how many ratings a reader's own taste beats what everybody likes (measured: at one rating it is
	// no better, at three clearly so).
	MinRatings = 3
	// Liked is from how many half stars a book counts as a reason to recommend another: 3½ stars.
	Liked = 7

	depth      = 120 // candidates scored, so that enough remain after series and authors are thinned out
	longest    = 48  // books in a stored list
	perAuthor  = 2   // books of one author in a list, else it is "more by" throughout
	tooShort   = 6   // a list of fewer is filled up with popular books
	filledUpTo = 12  // to this length, which is a page's
)
