package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/mail"
	"github.com/backlist/backlist/internal/pipeline"
	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

func (s *Server) mailbox(w http.ResponseWriter, r *http.Request) error {
	me := readerOf(r.Context())
	var messages []store.Message
	var current, last int
	frame, err := s.chromeFor(r, "Mailbox", "mailbox", func(db pipeline.DB) (err error) {
		messages, current, last, err = mail.List(r.Context(), db, me.ReaderID, pageNumber(r))
		return err
	})
	if err != nil {
		return err
	}
	d := page.Mailbox{Page: frame, Pager: ui.NewPager(current, last, pageURL(r, nil))}
	for _, m := range messages {
		when, iso := stamp(m.CreatedAt, me.TimeZone)
		d.Messages = append(d.Messages, page.MailRow{
			ID: m.ID, Subject: m.Subject, When: when, WhenISO: iso, State: m.State, Unread: mail.IsUnread(m),
		})
	}
	return render(w, r, http.StatusOK, page.MailboxPage(d))
}

// message shows a message. It does not mark it as read, because a GET must not write; the page posts that by itself or by a
// button.
func (s *Server) message(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, pgx.ErrNoRows)
	if err != nil {
		return err
	}
	me := readerOf(r.Context())
	var m store.Message
	frame, err := s.chromeFor(r, "", "mailbox",
		func(db pipeline.DB) (err error) { m, err = mail.Get(r.Context(), db, me.ReaderID, id); return err })
	if err != nil {
		return err
	}
	frame.Title = m.Subject
	d := page.Message{
		Page: frame, Subject: m.Subject, From: "Backlist", To: m.ToAddress, State: m.State, StateSentence: stateSentence(m),
	}
	if mail.IsUnread(m) {
		d.MarkRead = messageURL(id) + "/read"
	}
	d.When, d.WhenISO = stamp(m.CreatedAt, me.TimeZone)
	for _, spans := range mail.Paragraphs(m.BodyText) {
		var p page.Paragraph
		for _, span := range spans {
			p = append(p, ui.Link{Text: span.Text, URL: span.URL})
		}
		d.Body = append(d.Body, p)
	}
	return render(w, r, http.StatusOK, page.MessagePage(d))
}

func messageURL(id int64) string { return "/mailbox/" + strconv.FormatInt(id, 10) }

func (s *Server) markRead(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, pgx.ErrNoRows)
	if err != nil {
		return err
	}
	if err := mail.MarkRead(r.Context(), s.DB, readerOf(r.Context()).ReaderID, id); err != nil {
		return err
	}
	http.Redirect(w, r, messageURL(id), http.StatusSeeOther)
	return nil
}

// stateSentence explains a mail's state where the page's general sentence would be wrong or too short. The error that is
// recorded for a failed mail is written for its reader.
func stateSentence(m store.Message) string {
	if m.State == mail.StateSent && m.Transport == mail.TransportMailbox {
		return "This site sends no mail to the outside; this is where it arrives."
	}
	return m.Error
}

// stamp formats a time in the reader's time zone, and in RFC 3339.
func stamp(t time.Time, zone string) (text, iso string) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		location = time.UTC
	}
	return t.In(location).Format("2 January 2006, 15:04"), t.UTC().Format(time.RFC3339)
}

// unsubscribePage asks for confirmation, because mail scanners open links.
func (s *Server) unsubscribePage(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := mail.ParseToken(s.Secret, chi.URLParam(r, "token")); err != nil {
		return brokenLink(err)
	}
	return s.showUnsubscribe(w, r, false)
}

func (s *Server) showUnsubscribe(w http.ResponseWriter, r *http.Request, done bool) error {
	d := page.Unsubscribe{Page: s.chrome(r, "Unsubscribe", ""), Action: r.URL.Path, Done: done}
	return render(w, r, http.StatusOK, page.UnsubscribePage(d))
}

// unsubscribe stops a kind of mail at once. Mail programs post here too (RFC 8058), so it needs no session and does not
// redirect.
func (s *Server) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	readerID, kind, err := mail.ParseToken(s.Secret, chi.URLParam(r, "token"))
	if err != nil {
		return brokenLink(err)
	}
	if err := answer.ParseForm(r); err != nil {
		return err
	}
	err = s.begin(r.Context(), func(tx pgx.Tx) error { return mail.Unsubscribe(r.Context(), tx, readerID, kind) })
	if err != nil {
		return err
	}
	if r.PostForm.Get("List-Unsubscribe") == "One-Click" {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	return s.showUnsubscribe(w, r, true)
}

func brokenLink(err error) error {
	return &answer.Error{
		Status: http.StatusNotFound, Headline: "That link is not complete", Err: err,
		Sentence: "It may have been cut in two. Open it from the mail again, or switch the mail off in your settings.",
	}
}
