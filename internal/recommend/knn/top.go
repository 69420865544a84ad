package knn

import (
	"cmp"
	"slices"
)

// scored is a candidate for a book's neighbour.
type scored struct {
	book       int32
	readers    int
	similarity float32
}

// compare orders better candidates first.
func compare(a, b scored) int {
	return cmp.Or(cmp.Compare(b.similarity, a.similarity), cmp.Compare(b.readers, a.readers), cmp.Compare(a.book, b.book))
}

// top keeps the k best of the candidates that it is offered, in a heap whose root is the worst of them.
type top struct {
	k    int
	heap []scored
}

func (t *top) offer(s scored) {
	switch {
	case len(t.heap) < t.k:
		t.heap = append(t.heap, s)
		for i := len(t.heap) - 1; i > 0; {
			parent := (i - 1) / 2
			if compare(t.heap[i], t.heap[parent]) <= 0 {
				return
			}
			t.heap[i], t.heap[parent] = t.heap[parent], t.heap[i]
			i = parent
		}
	case t.k > 0 && compare(s, t.heap[0]) < 0:
		t.heap[0] = s
		t.sink()
	}
}

// sink moves the root down until both of its children are better.
func (t *top) sink() {
	for i := 0; ; {
		worst := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(t.heap) && compare(t.heap[child], t.heap[worst]) > 0 {
				worst = child
			}
		}
		if worst == i {
			return
		}
		t.heap[i], t.heap[worst] = t.heap[worst], t.heap[i]
		i = worst
	}
}

// take empties the heap and returns its candidates, the best first. They are valid until the next offer.
func (t *top) take() []scored {
	best := t.heap
	slices.SortFunc(best, compare)
	t.heap = t.heap[:0]
	return best
}
