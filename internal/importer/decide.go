package importer

import "slices"

// verdict says which book a row is: one, perhaps one of several, or, without either, a new one.
type verdict struct {
	book   int64
	maybe  []int64
	reason string // a sentence about the doubt
}

// maxMaybe is the number of books between which a reader is asked to decide.
const maxMaybe = 5

// decide finds the book of a row among those that its numbers (ISBN, Goodreads) belong to and those with a like title. Where there is
// any doubt it leaves the decision to the reader.
func decide(row facts, keyed, others []facts) verdict {
	var certain, likely, doubtful []int64
	for _, b := range others {
		t, a, v := row.titleLike(b), row.authorLike(b), row.volumeLike(b)
		switch {
		case t == unlike || a == unlike || v == unlike:
		case t == alike && a == alike && v == alike:
			certain = append(certain, b.id)
		case t == similar && a == alike && v == alike && row.year != 0 && row.year == b.year:
			likely = append(likely, b.id)
		case t == alike || a == alike:
			doubtful = append(doubtful, b.id)
		}
	}
	if len(keyed) > 0 {
		return decideKeyed(row, keyed, certain)
	}
	if len(certain) == 0 {
		certain = likely
	}
	switch {
	case len(certain) == 1:
		return verdict{book: certain[0]}
	case len(certain) > 1:
		return unclear("Several books here have this title and author.", certain, doubtful)
	case len(doubtful) > 0:
		return unclear("A book here is similar, but not the same.", doubtful)
	}
	return verdict{}
}

// decideKeyed decides where the row's numbers belong to books. They are not believed if the title and the author say something else,
// because numbers slip into wrong cells.
func decideKeyed(row facts, keyed []facts, certain []int64) verdict {
	var ids []int64
	for _, b := range keyed {
		ids = append(ids, b.id)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	switch b := keyed[0]; {
	case len(ids) > 1:
		return unclear("Its numbers belong to different books.", ids, certain)
	case row.titleLike(b) == unlike && row.authorLike(b) != alike:
		return unclear("Its number belongs to a book with another title and author.", ids, certain)
	case len(certain) > 0 && !slices.Contains(certain, ids[0]):
		return unclear("Its number belongs to one book, its title and author to another.", ids, certain)
	}
	return verdict{book: ids[0]}
}

func unclear(reason string, books ...[]int64) verdict {
	var maybe []int64
	for _, id := range slices.Concat(books...) {
		if !slices.Contains(maybe, id) && len(maybe) < maxMaybe {
			maybe = append(maybe, id)
		}
	}
	return verdict{maybe: maybe, reason: reason}
}
