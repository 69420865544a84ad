package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/surface"
	view "github.com/backlist/backlist/views/console"
)

const (
	// freshSignIn is how long after the password was given acts are allowed. After that, it is asked for again.
	freshSignIn = 12 * time.Hour
	// maxReason is the longest reason of an act, in bytes.
	maxReason = 500
)

// acting makes the change of a form in a transaction that has confirmed the person's role and session. It may return the
// address of the page to show next, which says what was done.
type acting func(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (next string, err error)

// act answers a form that changes something. Afterwards the browser goes to the address that fn returns, or back to the page
// that the form came from, which says what was done and offers to undo it.
func (s *Server) act(fn acting) answer.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := answer.ParseForm(r); err != nil {
			return err
		}
		if answered, err := s.freshen(w, r); answered || err != nil {
			return err
		}
		next := localPath(r.PostForm.Get("back"))
		var entries []int64
		err := pgx.BeginFunc(r.Context(), s.Pool, func(tx pgx.Tx) error {
			by, err := s.confirm(r, tx)
			if err != nil {
				return err
			}
			elsewhere, err := fn(r.Context(), tx, r.PostForm, by)
			if err != nil {
				return err
			}
			if elsewhere != "" {
				next = elsewhere // that page says what was done
				return nil
			}
			entries, err = surface.Entries(r.Context(), tx)
			return err
		})
		if errors.Is(err, errSignedOut) {
			return s.signedOut(w, r)
		}
		if form, ok := errors.AsType[*again](err); ok {
			return s.showAgain(w, r, form)
		}
		if err != nil {
			return refusal(err)
		}
		http.Redirect(w, r, withEntries(next, entries), http.StatusSeeOther)
		return nil
	}
}

// freshen asks for the password if it was last given too long ago, on a page that keeps everything that was typed. Once the
// password is given, the browser sends the form again with the renewed session.
func (s *Server) freshen(w http.ResponseWriter, r *http.Request) (answered bool, err error) {
	person := personOf(r.Context())
	if person.Role != Operator || time.Since(person.SignedIn) < freshSignIn {
		return false, nil
	}
	d := view.Password{Action: r.URL.RequestURI(), Name: person.Name, Fields: r.PostForm, Back: localPath(r.PostForm.Get("back"))}
	if password := r.PostForm.Get("password"); password != "" {
		err := s.Identity.Renew(w, r, password)
		if err == nil {
			http.Redirect(w, r, r.URL.RequestURI(), http.StatusTemporaryRedirect)
			return true, nil
		}
		if !errors.Is(err, ErrPassword) {
			return true, err
		}
		d.Problem = "That is not the password of this account."
	}
	frame := s.blankFrame(r, "Your password, please")
	return true, s.render(w, r, http.StatusForbidden, frame, d.Body())
}

// errSignedOut means that the session ended between the check of the request and its transaction.
var errSignedOut = errors.New("the session has ended")

// signedOut answers a form without a session. Its page keeps everything that was typed, for after the sign-in.
func (s *Server) signedOut(w http.ResponseWriter, r *http.Request) error {
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	back := localPath(r.PostForm.Get("back"))
	d := view.SignedOut{Action: r.URL.RequestURI(), SignIn: s.Identity.SignIn(back), Fields: r.PostForm, Back: back}
	r = r.WithContext(context.WithValue(r.Context(), personKey{}, Person{}))
	return s.render(w, r, http.StatusForbidden, s.blankFrame(r, "You are signed out"), d.Body())
}

// confirm returns who acts, and locks the right to act until the transaction ends.
func (s *Server) confirm(r *http.Request, tx pgx.Tx) (surface.By, error) {
	person, err := s.Identity.Confirm(r.Context(), tx, r)
	if err != nil {
		return surface.By{}, err
	}
	reason := strings.TrimSpace(r.PostForm.Get("reason"))
	switch {
	case person.ID == "":
		return surface.By{}, errSignedOut
	case person.Role == None:
		return surface.By{}, &answer.Error{Status: http.StatusNotFound}
	case person.Role != Operator:
		return surface.By{}, viewersLook()
	case len(reason) > maxReason:
		return surface.By{}, &answer.Error{
			Status: http.StatusUnprocessableEntity, Headline: "The reason is too long",
			Sentence: fmt.Sprintf("A reason has at most %d characters; this one has %d. Nothing was changed.", maxReason, len(reason)),
			Advice:   "Go back, where it still stands, and shorten it.",
		}
	}
	return surface.By{Who: person.Name, Reason: reason}, nil
}

func viewersLook() error {
	return &answer.Error{
		Status: http.StatusForbidden, Headline: "Viewers may look, not act",
		Sentence: "Your account may look at the console. Nothing was changed.",
		Advice:   "Ask an operator to do it, or to make you one: backlist operator add EMAIL --role operator.",
	}
}

// refusal makes a page of the sentence with which schema jobs refused an act, or of what is wrong with its search.
func refusal(err error) error {
	if wrong, ok := errors.AsType[*surface.SearchError](err); ok {
		err = &surface.Refusal{Sentence: wrong.Error(), BadValue: true, Cause: wrong}
	}
	refused, ok := errors.AsType[*surface.Refusal](err)
	if !ok {
		return err
	}
	status := http.StatusConflict
	if refused.BadValue {
		status = http.StatusUnprocessableEntity
	}
	return &answer.Error{
		Status: status, Headline: "Nothing was changed", Sentence: refused.Sentence, Err: refused.Cause,
		Advice: "Go back and look at the present state.",
	}
}

// undo undoes entries of jobs.audit.
func undo(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	list, err := surface.Undo(ctx, tx, numbers(form.Get("entry")), by)
	if err != nil {
		return "", err
	}
	for _, one := range list {
		if one.Changed {
			return "", nil
		}
	}
	sentence := "There is nothing to undo."
	if len(list) > 0 && list[0].Note != nil {
		sentence = *list[0].Note
	}
	return "", &surface.Refusal{Sentence: sentence}
}

// withEntries adds the entries of an act to the address of the page that shows them.
func withEntries(path string, entries []int64) string {
	u, err := url.Parse(path)
	if err != nil || len(entries) == 0 {
		return path
	}
	texts := make([]string, 0, len(entries))
	for _, id := range entries[:min(len(entries), 50)] {
		texts = append(texts, strconv.FormatInt(id, 10))
	}
	values := u.Query()
	values.Set("entry", strings.Join(texts, "."))
	u.RawQuery = values.Encode()
	return u.String()
}

// numbers reads the numbers in a text such as 4711.4712, and leaves out what is not one.
func numbers(text string) (list []int64) {
	for part := range strings.SplitSeq(text, ".") {
		if n, err := strconv.ParseInt(part, 10, 64); err == nil && len(list) < 50 {
			list = append(list, n)
		}
	}
	return list
}

// acted is what was just done: the entries of jobs.audit that an act's answer names in its address.
var acted = NewPanel("acted", "Done", `
select id, at, who, act, jobs, job_id, queue, worker, fingerprint, reason, undoes,
       case when undo_until > now() then undo_until end as undo_until
from jobs.audit
where id = any (@entries::bigint[])
order by id`, view.Acted)

// notices returns the questions whose answers say what was just done.
func notices(r *http.Request) []Question {
	entries := numbers(r.URL.Query().Get("entry"))
	if len(entries) == 0 {
		return nil
	}
	q := acted.Ask(pgx.NamedArgs{"entries": entries})
	q.Filtered = true
	return []Question{q}
}

// localPath returns a path of the console from a form, or the first page if it is anything else.
func localPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, view.Root) || strings.ContainsAny(path, "\\\r\n\t") {
		return view.Root
	}
	return path
}
