package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/lab"
	"github.com/backlist/backlist/internal/live"
	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/views/page"
	"github.com/backlist/backlist/views/ui"
)

// OpenLab adds the lab to the site. Call it before Handler.
func (s *Server) OpenLab(l *lab.Lab) { s.lab = l }

// RenderList renders the reader's recommendations as their page does, for the lab's requests.
func (s *Server) RenderList(ctx context.Context, w io.Writer, readerID int64) error {
	list, err := recommended(ctx, s.DB, readerID)
	if err != nil {
		return err
	}
	d := page.Recommendations{Page: page.Frame{Title: "For you", Nav: "recommendations"}, List: list}
	return page.RecommendationsPage(d).Render(ctx, w)
}

// mountLab adds the lab's routes. In dev the lab is open; elsewhere only to those with a role in the console.
func (s *Server) mountLab(r chi.Router) {
	if s.lab == nil {
		return
	}
	r.Get("/lab", s.page(s.inLab(s.labPage)))
	r.Get("/lab/{slug}", s.page(s.inLab(s.experimentPage)))
	r.Post("/lab/{slug}", s.page(s.inLab(s.startExperiment)))
	r.Get("/lab/{slug}/{id}", s.page(s.inLab(s.runPage)))
}

// inLab admits those who may use the lab.
func (s *Server) inLab(h answer.Handler) answer.Handler {
	if s.Dev {
		return h
	}
	return signedIn(func(w http.ResponseWriter, r *http.Request) error {
		switch me := readerOf(r.Context()); {
		case me.Role == reader.RoleNone:
			return &answer.Error{Status: http.StatusNotFound}
		case me.Role != reader.RoleOperator && r.Method == http.MethodPost:
			return &answer.Error{
				Status: http.StatusForbidden, Headline: "You may look, but not start experiments",
				Sentence: "Your role is viewer. Experiments write to the database, so operators start them.",
			}
		}
		return h(w, r)
	})
}

func (s *Server) labPage(w http.ResponseWriter, r *http.Request) error {
	d := page.Lab{}
	var err error
	if d.Page, err = s.chromeFor(r, "The lab", "lab"); err != nil {
		return err
	}
	for _, e := range s.lab.Experiments() {
		d.Experiments = append(d.Experiments, labCard(e))
	}
	return render(w, r, http.StatusOK, page.LabPage(d))
}

func labCard(e lab.Experiment) page.LabCard {
	return page.LabCard{Letter: e.Letter, Slug: e.Slug, Title: e.Title, Purpose: e.Purpose}
}

func (s *Server) experimentPage(w http.ResponseWriter, r *http.Request) error {
	e, err := s.experiment(r)
	if err != nil {
		return err
	}
	return s.showExperiment(w, r, http.StatusOK, e, nil)
}

// experiment returns the experiment of the request's address.
func (s *Server) experiment(r *http.Request) (lab.Experiment, error) {
	e, ok := s.lab.Find(chi.URLParam(r, "slug"))
	if !ok {
		return e, &answer.Error{
			Status: http.StatusNotFound, Headline: "There is no such experiment",
			Sentence: "The lab has none of this name here. Some experiments start processes or databases, and run only under backlist dev.",
			Advice:   "The lab's own page lists those that can be run.",
		}
	}
	return e, nil
}

func (s *Server) startExperiment(w http.ResponseWriter, r *http.Request) error {
	e, err := s.experiment(r)
	if err != nil {
		return err
	}
	by, err := s.labAccount(r)
	if errors.Is(err, lab.ErrNoReader) {
		return s.showExperiment(w, r, http.StatusConflict, e, func(d *page.LabExperiment) {
			d.Refused = "No reader has rated a book yet, so there is no account to work on. Sign up and rate a book, or run backlist seed --demo."
		})
	}
	if err != nil {
		return err
	}
	id, err := s.lab.Start(r.Context(), e, by)
	if busy, ok := errors.AsType[*lab.BusyError](err); ok {
		return s.showExperiment(w, r, http.StatusConflict, e, func(d *page.LabExperiment) { s.refuse(d, busy.State) })
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, runURL(e.Slug, id), http.StatusSeeOther)
	return nil
}

// labAccount returns the account that an experiment works on: the caller's, and an invented reader's for a visitor in dev.
func (s *Server) labAccount(r *http.Request) (lab.By, error) {
	if me := readerOf(r.Context()); me != nil {
		return lab.By{ReaderID: me.ReaderID, Name: me.Name}, nil
	}
	return s.lab.SomeReader(r.Context())
}

// refuse says which run keeps the experiment from starting.
func (s *Server) refuse(d *page.LabExperiment, running lab.State) {
	title := running.Experiment
	if e, ok := s.lab.Find(running.Experiment); ok {
		title = e.Title
	}
	d.Refused = fmt.Sprintf("It was not started: “%s”, which %s started %s, still runs. Two experiments at once would measure each other.",
		title, running.StartedBy, ago(running.StartedAt, time.Now()))
	d.Watch = &ui.Link{Text: "Watch it", URL: runURL(running.Experiment, running.ID)}
}

func runURL(slug, id string) string { return "/lab/" + slug + "/" + id }

func (s *Server) runPage(w http.ResponseWriter, r *http.Request) error {
	e, err := s.experiment(r)
	if err != nil {
		return err
	}
	state, err := s.run(r, e)
	if err != nil {
		return err
	}
	return s.showExperiment(w, r, http.StatusOK, e, func(d *page.LabExperiment) {
		run := labRun(state)
		d.Run = &run
	})
}

func (s *Server) run(r *http.Request, e lab.Experiment) (lab.State, error) {
	state, err := s.lab.State(r.Context(), e, chi.URLParam(r, "id"))
	if errors.Is(err, pgx.ErrNoRows) {
		return state, &answer.Error{
			Status: http.StatusNotFound, Headline: "There is no such result",
			Sentence: "Results of experiments are kept for a week. This one has expired, or the address is not complete.",
			Advice:   "Run the experiment again: it takes seconds.",
		}
	}
	return state, err
}

// showExperiment shows the page of an experiment, as add completes it.
func (s *Server) showExperiment(w http.ResponseWriter, r *http.Request, status int, e lab.Experiment, add func(*page.LabExperiment)) error {
	d := page.LabExperiment{
		Card: labCard(e), Lesson: e.Lesson, Button: e.Button, Account: "It works on an invented reader’s account.",
	}
	var err error
	if d.Page, err = s.chromeFor(r, e.Title, "lab"); err != nil {
		return err
	}
	if me := readerOf(r.Context()); me != nil {
		d.Account = "It works on your own account."
	}
	all := s.lab.Experiments()
	for i, before := range all[:len(all)-1] {
		if before.Slug == e.Slug {
			next := labCard(all[i+1])
			d.Next = &next
		}
	}
	for _, c := range e.Code {
		d.Codes = append(d.Codes, page.LabCode{Title: c.Title, Path: c.Path(), Text: c.Text()})
	}
	if add != nil {
		add(&d)
	}
	return render(w, r, status, page.LabExperimentPage(d))
}

// runEvents streams a run's results, at the start and whenever they grow.
func (s *Server) runEvents(w http.ResponseWriter, r *http.Request) error {
	e, err := s.experiment(r)
	if err != nil {
		return err
	}
	state, err := s.run(r, e)
	if err != nil {
		return err
	}
	topic, _ := lab.Topic(state.ID) // never fails
	stream := s.Hub.Subscribe(topic, maxStreams)
	if stream == nil {
		return &answer.Error{
			Status: http.StatusTooManyRequests, Headline: "Too many open pages",
			Sentence: "This run has more live pages open than we allow. Reload the page to see what is new.",
		}
	}
	defer stream.Close()
	err = stream.Stream(w, r, live.Page{
		Allowed: func(ctx context.Context) error {
			if s.Dev {
				return nil
			}
			me, err := s.stillSignedIn(ctx, r)
			if err == nil && me.Role == reader.RoleNone {
				err = &answer.Error{Status: http.StatusNotFound}
			}
			return err
		},
		Now: func(ctx context.Context) (templ.Component, error) {
			state, err := s.lab.State(ctx, e, state.ID)
			return page.LabResult(labRun(state)), err
		},
	})
	if err != nil {
		s.Log.InfoContext(r.Context(), "a stream ended early", "request_id", answer.RequestID(r.Context()), "err", err)
	}
	return nil
}
