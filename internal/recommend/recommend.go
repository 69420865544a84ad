// Package recommend finds the books that a reader may like next, from the ratings of readers with similar taste. It
// uses item-kNN by co-occurrence (package knn), which is rebuilt regularly for the whole site, and makes a reader's
// list in SQL, with reasons.
package recommend

import (
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/work"
)

// DB is the database of the workers: a pool in production, a transaction in tests.
type DB interface {
	pipeline.DB
	work.DB
}

// The bases of a run's list.
const (
	// Neighbours: books similar to those that the reader rated.
	Neighbours = "neighbours"
	// Popular: books that most readers like, because too little is known about this reader's taste.
	Popular = "popular"
)

const (
	// MinRatings is the number of ratings from which the reader's own taste predicts better than popularity (measured:
	// one rating does not, three clearly do).
	MinRatings = 3
	// Liked is the lowest rating, in half stars, with which a book is a reason to recommend another: 3½ stars.
	Liked = 7

	depth      = 120 // candidates, so that enough remain after thinning out series and authors
	longest    = 48  // books in a stored list
	perAuthor  = 2   // books of one author in a list, which would otherwise be dominated by one
	tooShort   = 6   // a list with fewer books is filled up with popular ones
	filledUpTo = 12  // to this length, the length of a page
)
