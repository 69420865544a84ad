package catalogue

import (
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

const aBook = "emma\n  title: Emma\n  by: jane-austen\n  year: 1815\n  subjects: comedy love\n  about: A matchmaker.\n"

func TestParseBook(t *testing.T) {
	t.Parallel()
	text := "# Comment.\n\n" + aBook + "\npenates\n  title: P: Q\n  original: П\n  by: a b\n  year: about -19\n  posthumous: yes\n" +
		"  subjects: epic\n  series: S\n  volume: 1-2\n  about: Old.\n"
	got, err := parseBooks(text)
	if err != nil {
		t.Fatal(err)
	}
	want := []Book{
		{Slug: "emma", Title: "Emma", Authors: []string{"jane-austen"}, Year: 1815, Subjects: []string{"comedy", "love"}, About: "A matchmaker."},
		{
			Slug: "penates", Title: "P: Q", OriginalTitle: "П", Authors: []string{"a", "b"}, Year: -19, Circa: true, Posthumous: true,
			Subjects: []string{"epic"}, Series: "S", Volume: "1-2", About: "Old.",
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{"emma\n", "Emma\n", `1: "Emma" is not a key`},
		{"emma\n", "", "1: this line does not belong to a book"},
		{"  year: 1815\n", "  year: 0\n", `4: "0" is not a year`},
		{"  year: 1815\n", "  year: 1815 \n", "4: space at the end of the line"},
		{"  year: 1815\n", "  year: +1815\n", `4: "+1815" is not a year`},
		{"  year: 1815\n", "  year: 1815\n  year: 1815\n", "5: year appears twice or out of order"},
		{"  year: 1815\n", "  years: 1815\n", "4: want one of title, original, by, year"},
		{"  year: 1815\n", "year: 1815\n", "4: want an empty line before the next book"},
		{"  year: 1815\n", "  volume: 1\n", "5: subjects appears twice or out of order"},
		{"comedy love", "comedy comedy", "5: comedy appears twice"},
		{"comedy love", "comedy  love", `5: "" is not a key`},
		{"  about: A matchmaker.\n", "", "6: emma lacks title, by, subjects or about"},
		{"  about:", "  volume: 1\n  about:", "8: emma has a volume but no series"},
		{"A matchmaker", "A\tmatchmaker", "6: control character"},
		{"A matchmaker", "A \xff", "6: not valid UTF-8"},
		{"  by: jane-austen\n", "  by: jane-austen\n  posthumous: no\n", "4: posthumous is yes or left out"},
	} {
		_, err := parseBooks(strings.Replace(aBook, c.old, c.new, 1))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q for %q: got %v, want %s", c.new, c.old, err, c.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	good := func() map[string]string {
		return map[string]string{
			"subjects.txt":   "comedy | Comedy\nlove | Love\n",
			"authors.txt":    "jane-austen | Jane Austen | Austen, Jane | 1775 | 1817\n",
			"books/1800.txt": aBook,
		}
	}
	for _, c := range []struct{ file, text, want string }{
		{"subjects.txt", "comedy | Comedy\n", "catalogue: book emma: unknown subject love"},
		{"subjects.txt", "comedy | Comedy\ncomedy | Comedy\n", "catalogue: subject comedy appears twice"},
		{"subjects.txt", "comedy\n", "catalogue: subjects.txt:1: 1 fields, want 2"},
		{"authors.txt", "# None.\n", "catalogue: book emma: unknown author jane-austen"},
		{"authors.txt", "\na | A | A | ? | 1e3\n", `catalogue: authors.txt:2: "1e3" is not a year`},
		{"authors.txt", "a | A |  | ? | ?\n", `catalogue: authors.txt:1: field "" is empty or has outer spaces`},
		{"books/1801.txt", aBook, "catalogue: book emma appears twice"},
		{"books/1801.txt", "x\n", "catalogue: books/1801.txt:2: x lacks title"},
		{"", "", ""},
	} {
		files := good()
		if c.file != "" {
			files[c.file] = c.text
		}
		text := fstest.MapFS{}
		for name, s := range files {
			text[name] = &fstest.MapFile{Data: []byte(s)}
		}
		_, err := read(text)
		if got := fmt.Sprint(err); (err != nil || c.want != "") && !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %q: got %s, want %s", c.file, c.text, got, c.want)
		}
	}
}

// There is only one way to write a book: all that the parser accepts is the same after writing and parsing again.
func FuzzParseBooks(f *testing.F) {
	f.Add(aBook)
	f.Add("a\n  title: A: B\n  original: Ä\n  by: c d\n  year: about -1\n  posthumous: yes\n  subjects: e f\n  series: g\n  volume: 1\n  about: H.\n")
	f.Add("# c\n\n\n" + aBook + "\n" + aBook)
	f.Add("a\n  year:")
	f.Add("  : \n")
	f.Fuzz(func(t *testing.T, text string) {
		books, err := parseBooks(text)
		if err != nil {
			return
		}
		again, err := parseBooks(format(books))
		if err != nil {
			t.Fatalf("%v in %q", err, format(books))
		}
		if !reflect.DeepEqual(books, again) {
			t.Fatalf("%+v became %+v", books, again)
		}
	})
}

func FuzzParseAuthors(f *testing.F) {
	f.Add("a | A | A, A | ? | -5\n")
	f.Add("# x\n\na-b | B |  C | 1 | 2")
	f.Fuzz(func(t *testing.T, text string) {
		authors, err := parseAuthors(text)
		if err != nil {
			return
		}
		for _, a := range authors {
			if !slugForm.MatchString(a.Slug) || a.Name == "" || a.SortName == "" || strings.TrimSpace(a.Name) != a.Name {
				t.Fatalf("accepted %+v", a)
			}
		}
	})
}

// The embedded files are as format writes them, apart from comments.
func TestFilesAreInTheirOneSpelling(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(data, "data/books/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(data, name)
		if err != nil {
			t.Fatal(err)
		}
		books, err := parseBooks(string(raw))
		if err != nil {
			t.Fatalf("%s:%v", name, err)
		}
		_, body, _ := strings.Cut(string(raw), "\n\n")
		if body != format(books) {
			t.Errorf("%s: stray lines or a missing empty line", name)
		}
	}
}

func format(books []Book) string {
	var blocks []string
	for _, b := range books {
		year, posthumous := "", ""
		if b.Year != 0 {
			year = fmt.Sprint(b.Year)
		}
		if b.Circa {
			year = "about " + year
		}
		if b.Posthumous {
			posthumous = "yes"
		}
		s := b.Slug + "\n"
		for i, v := range []string{
			b.Title, b.OriginalTitle, strings.Join(b.Authors, " "), year, posthumous, strings.Join(b.Subjects, " "), b.Series, b.Volume, b.About,
		} {
			if v != "" {
				s += "  " + bookKeys[i] + ": " + v + "\n"
			}
		}
		blocks = append(blocks, s)
	}
	return strings.Join(blocks, "\n")
}
