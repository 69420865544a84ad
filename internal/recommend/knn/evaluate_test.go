package knn

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// listLength is the number of books in an evaluated list.
const listLength = 10

// rated is one rating of a reader.
type rated struct {
	book  int64
	stars int // half stars
}

// profile is a reader's ratings, split for evaluation: lists are made from train and evaluated by test.
type profile struct{ train, test []rated }

// split puts a random fifth of each reader's ratings into test.
func split(byReader [][]rated, seed uint64) []profile {
	rnd := rand.New(rand.NewPCG(seed, 0))
	profiles := make([]profile, len(byReader))
	for u, all := range byReader {
		all = slices.Clone(all)
		rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		held := len(all) / 5
		profiles[u] = profile{train: all[held:], test: all[:held]}
	}
	return profiles
}

// recommender ranks books for a reader, the best first; it may leave out books.
type recommender func(train []rated) []int64

// figures are the means over all readers with a book in test.
type figures struct {
	recall, ndcg    float64
	newAuthorNDCG   float64 // without books by authors in train, in lists and in test
	readers, ofNew  int
	distinct, books int
}

func (f figures) String() string {
	return fmt.Sprintf("R@10 %.4f, NDCG@10 %.4f, NDCG@10 among new authors %.4f; %d readers (%d), coverage %.2f",
		f.recall, f.ndcg, f.newAuthorNDCG, f.readers, f.ofNew, float64(f.distinct)/float64(f.books))
}

// evaluate evaluates the ten best books that are not in train. Every held-out book is relevant, however many stars it
// has. authors is the first-named author of each book; without it the figure for new authors is 0.
func evaluate(profiles []profile, rank recommender, authors map[int64]string) figures {
	var f figures
	seen, books := map[int64]bool{}, map[int64]bool{}
	for _, p := range profiles {
		inTrain, author := map[int64]bool{}, map[string]bool{}
		for _, r := range p.train {
			inTrain[r.book], author[authors[r.book]], books[r.book] = true, true, true
		}
		relevant, relevantNew := map[int64]bool{}, map[int64]bool{}
		for _, r := range p.test {
			relevant[r.book], books[r.book] = true, true
			if name, known := authors[r.book]; known && !author[name] {
				relevantNew[r.book] = true
			}
		}
		if len(relevant) == 0 {
			continue
		}
		var list, listNew []int64
		for _, book := range rank(p.train) {
			if inTrain[book] {
				continue
			}
			if len(list) < listLength {
				list = append(list, book)
				seen[book] = true
			}
			if len(listNew) < listLength && !author[authors[book]] {
				listNew = append(listNew, book)
			}
			if len(list) == listLength && (len(listNew) == listLength || len(relevantNew) == 0) {
				break
			}
		}
		hits, ndcg := judge(list, relevant)
		f.readers++
		f.recall += float64(hits) / float64(len(relevant))
		f.ndcg += ndcg
		if len(relevantNew) > 0 {
			_, ndcg := judge(listNew, relevantNew)
			f.ofNew++
			f.newAuthorNDCG += ndcg
		}
	}
	f.recall /= float64(max(f.readers, 1))
	f.ndcg /= float64(max(f.readers, 1))
	f.newAuthorNDCG /= float64(max(f.ofNew, 1))
	f.distinct, f.books = len(seen), len(books)
	return f
}

func judge(list []int64, relevant map[int64]bool) (hits int, ndcg float64) {
	var gain, ideal float64
	for p, book := range list {
		if relevant[book] {
			hits++
			gain += 1 / math.Log2(float64(p+2))
		}
	}
	for p := range min(listLength, len(relevant)) {
		ideal += 1 / math.Log2(float64(p+2))
	}
	return hits, gain / ideal
}

func trainingRatings(t *testing.T, profiles []profile) *Ratings {
	t.Helper()
	r := &Ratings{}
	for u, p := range profiles {
		for _, rating := range p.train {
			if err := r.Add(int64(u), rating.book, rating.stars); err != nil {
				t.Fatal(err)
			}
		}
	}
	return r
}

// byNeighbours ranks a candidate by those of its neighbours that the reader rated, as the site's query does.
func byNeighbours(t *testing.T, r *Ratings, k int, lambda float64) recommender {
	t.Helper()
	found, err := Neighbours(t.Context(), r, k, lambda, nil)
	if err != nil {
		t.Fatal(err)
	}
	readers := map[int64]int{}
	for _, p := range Popularity(r) {
		readers[p.Book] = p.Readers
	}
	near := map[int64][]Neighbour{} // by neighbour: the candidates that it supports
	for _, f := range found {
		for _, n := range f.Near {
			near[n.ID] = append(near[n.ID], Neighbour{f.Book, n.Similarity})
		}
	}
	return func(train []rated) []int64 {
		score := map[int64]float64{}
		for _, rating := range train {
			for _, c := range near[rating.book] {
				score[c.ID] += float64(c.Similarity) * float64(rating.stars) / 2
			}
		}
		list := make([]int64, 0, len(score))
		for book := range score {
			list = append(list, book)
		}
		slices.SortFunc(list, func(a, b int64) int {
			return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(readers[b], readers[a]), cmp.Compare(a, b))
		})
		return list
	}
}

// byReaders ranks by the number of readers alone, which is the usual baseline.
func byReaders(r *Ratings) recommender {
	popular := Popularity(r)
	slices.SortFunc(popular, func(a, b Popular) int {
		return cmp.Or(cmp.Compare(b.Readers, a.Readers), cmp.Compare(a.Book, b.Book))
	})
	list := make([]int64, len(popular))
	for i, p := range popular {
		list[i] = p.Book
	}
	return func([]rated) []int64 { return list }
}

// tribes invents readers who mostly read one of a few kinds of books, and the books' authors.
func tribes(readers, kinds, booksPerKind int) (byReader [][]rated, authors map[int64]string) {
	rnd := rand.New(rand.NewPCG(7, 7))
	authors = map[int64]string{}
	for book := range kinds * booksPerKind {
		authors[int64(book)] = fmt.Sprintf("author %d", book/2)
	}
	for u := range readers {
		seen := map[int64]bool{}
		for len(seen) < 20 {
			kind := u % kinds
			if rnd.Float64() < 0.25 {
				kind = rnd.IntN(kinds)
			}
			// The first books of a kind are its favourites.
			book := int64(kind*booksPerKind + int(float64(booksPerKind)*rnd.Float64()*rnd.Float64()))
			seen[book] = true
		}
		var all []rated
		for book := range seen {
			all = append(all, rated{book, 2 + int(book+int64(u))%9})
		}
		slices.SortFunc(all, func(a, b rated) int { return cmp.Compare(a.book, b.book) })
		byReader = append(byReader, all)
	}
	return byReader, authors
}

func TestNeighboursBeatPopularity(t *testing.T) {
	t.Parallel()
	byReader, authors := tribes(400, 8, 60)
	profiles := split(byReader, 1)
	train := trainingRatings(t, profiles)
	popular := evaluate(profiles, byReaders(train), authors)
	near := evaluate(profiles, byNeighbours(t, train, 20, Shrink(train.Readers())), authors)
	t.Log("popularity:", popular)
	t.Log("item-kNN:  ", near)
	if near.ndcg < 2*popular.ndcg || near.recall < 2*popular.recall || near.newAuthorNDCG < 1.5*popular.newAuthorNDCG {
		t.Error("readers who keep to their kind of books should gain far more from neighbours than from popularity")
	}
}

// TestEvaluate measures on real ratings, which are not part of the repository: BACKLIST_RATINGS_CSV names a file with
// the columns user_id,book_id,rating (1–5), and BACKLIST_BOOKS_CSV, which is optional, one with the columns book_id and
// authors.
func TestEvaluate(t *testing.T) {
	t.Parallel()
	path := os.Getenv("BACKLIST_RATINGS_CSV")
	if path == "" {
		t.Skip("needs BACKLIST_RATINGS_CSV, the path of a CSV file of real ratings: user_id,book_id,rating")
	}
	byReader := readRatings(t, path)
	authors := map[int64]string{}
	if path := os.Getenv("BACKLIST_BOOKS_CSV"); path != "" {
		authors = readAuthors(t, path)
	}
	profiles := split(byReader, 1)
	train := trainingRatings(t, profiles)
	t.Logf("%d readers, %d ratings in training", train.Readers(), train.Len())
	popular := evaluate(profiles, byReaders(train), authors)
	t.Log("popularity:            ", popular)
	best := figures{}
	for _, set := range []struct {
		k      int
		lambda float64
	}{{20, 0}, {50, 0}, {neighboursServed, Shrink(train.Readers())}} {
		got := evaluate(profiles, byNeighbours(t, train, set.k, set.lambda), authors)
		t.Logf("item-kNN K=%d λ=%.0f: %v", set.k, set.lambda, got)
		if got.ndcg > best.ndcg {
			best = got
		}
	}
	if train.Readers() >= 300 && best.ndcg <= popular.ndcg {
		t.Error("item-kNN should beat popularity from a few dozen readers on")
	}
}

// neighboursServed is the site's K.
const neighboursServed = 50

// readRatings groups a file's ratings by reader, in the order of the readers' first lines.
func readRatings(t *testing.T, path string) [][]rated {
	t.Helper()
	var byReader [][]rated
	index := map[string]int{}
	eachRow(t, path, []string{"user_id", "book_id", "rating"}, func(row []string) error {
		book, err1 := strconv.ParseInt(row[1], 10, 64)
		stars, err2 := strconv.Atoi(row[2])
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		u, known := index[row[0]]
		if !known {
			u = len(byReader)
			index[row[0]], byReader = u, append(byReader, nil)
		}
		byReader[u] = append(byReader[u], rated{book, 2 * stars})
		return nil
	})
	return byReader
}

// readAuthors returns each book's first-named author.
func readAuthors(t *testing.T, path string) map[int64]string {
	t.Helper()
	authors := map[int64]string{}
	eachRow(t, path, []string{"book_id", "authors"}, func(row []string) error {
		book, err := strconv.ParseInt(row[0], 10, 64)
		first, _, _ := strings.Cut(row[1], ",")
		authors[book] = strings.TrimSpace(first)
		return err
	})
	return authors
}

// eachRow calls do with the named columns of each row.
func eachRow(t *testing.T, path string, columns []string, do func(row []string) error) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in := csv.NewReader(file)
	header, err := in.Read()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	at, row := make([]int, len(columns)), make([]string, len(columns))
	for i, name := range columns {
		if at[i] = slices.Index(header, name); at[i] < 0 {
			t.Fatalf("%s has no column %s", path, name)
		}
	}
	for {
		line, err := in.Read()
		if err == io.EOF {
			return
		}
		for i := range at {
			if err == nil {
				row[i] = line[at[i]]
			}
		}
		if err == nil {
			err = do(row)
		}
		if err != nil {
			n, _ := in.FieldPos(0)
			t.Fatalf("%s, line %d: %v", path, n, err)
		}
	}
}
