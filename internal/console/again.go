package console

import (
	"context"
	"net/http"
)

// again is the refusal of a form that is shown again, with what was typed and with sentences that say what is wrong.
type again struct {
	page      *Page
	sentences []string
}

func (a *again) Error() string { return "the form is shown again" }

type problemsKey struct{}

// problemsOf returns what is wrong with the form that the request sent.
func problemsOf(r *http.Request) []string {
	sentences, _ := r.Context().Value(problemsKey{}).([]string)
	return sentences
}

// showAgain answers with the page of a form, which finds in the request what was typed and what is wrong with it.
func (s *Server) showAgain(w http.ResponseWriter, r *http.Request, a *again) error {
	r = r.WithContext(context.WithValue(r.Context(), problemsKey{}, a.sentences))
	return s.show(a.page)(w, r)
}
