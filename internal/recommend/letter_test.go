package recommend

import (
	"errors"
	"strings"
	"testing"

	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/store"
)

func TestReadyLetter(t *testing.T) {
	t.Parallel()
	s, tx := newSite(t)
	me, liked, near := s.taste()
	s.exec("update reader set mail_ready = true where id = $1", me)
	s.near(near[0], liked[2], 0.1)
	s.run(me)
	s.rate(me, near[1], 9) // after the mail was queued
	compose := func() (mail.Letter, error) {
		return ReadyLetter(t.Context(), tx, store.Message{ReaderID: me}, "https://books.example")
	}
	letter, err := compose()
	if err != nil {
		t.Fatal(err)
	}
	if len(letter.Items) != 5 || !letter.Unsubscribe || letter.Greeting != "Dear Odo," || letter.Secret {
		t.Errorf("letter %+v", letter)
	}
	first := letter.Items[0]
	if first.Title != "Book 0" || !strings.HasSuffix(first.Detail, ", because you liked Book 0 and Book 2") ||
		!strings.HasPrefix(first.Detail, "by Author ") || !strings.HasPrefix(first.URL, "https://books.example/books/") {
		t.Errorf("first item %+v", first)
	}
	if letter.Items[1].Title != "Book 2" {
		t.Errorf("second item %+v: Book 1 has been rated", letter.Items[1])
	}
	if letter.Action == nil || letter.Action.URL != "https://books.example/recommendations" {
		t.Errorf("action %+v", letter.Action)
	}

	for name, sql := range map[string]string{
		"no longer wanted": "update reader set mail_ready = false where id = $1",
		"empty list":       "delete from recommendation where reader_id = $1",
		"nothing liked":    "update rating set stars = 2 where reader_id = $1",
		"reader deleted":   "delete from reader where id = $1",
	} {
		s.exec("savepoint before")
		s.exec(sql, me)
		if _, err := compose(); !errors.Is(err, mail.ErrGone) {
			t.Errorf("%s: %v, want ErrGone", name, err)
		}
		s.exec("rollback to before")
	}
}

func TestSentenceList(t *testing.T) {
	t.Parallel()
	for want, words := range map[string][]string{
		"Dune": {"Dune"}, "Dune and Emma": {"Dune", "Emma"}, "Dune, Emma and Kim": {"Dune", "Emma", "Kim"},
	} {
		if got := sentenceList(words); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
