package console

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/answer"
	"github.com/backlist/backlist/internal/surface"
)

// actOnJob does an act on the job of the address, as the form's act says.
func actOnJob(ctx context.Context, tx pgx.Tx, form url.Values, by surface.By) (string, error) {
	a, err := surface.ActNamed(form.Get("act"))
	if err != nil || a.On != "jobs" {
		return "", unknownAct()
	}
	switch a.Name {
	case "snooze":
		err = setSnooze(&by, form)
	case "delete":
		err = &surface.Refusal{Sentence: "Deleting asks twice, because it has no undo. Open “Delete…” and confirm it there.", BadValue: true}
	}
	if err != nil {
		return "", err
	}
	return "", onJob(ctx, tx, a, by)
}

// deleteJob deletes the job of the address. Its button is the second one.
func deleteJob(ctx context.Context, tx pgx.Tx, _ url.Values, by surface.By) (string, error) {
	a, err := surface.ActNamed("delete")
	if err != nil {
		return "", err
	}
	return "", onJob(ctx, tx, a, by)
}

// onJob does an act on the job of the address, or returns why it is refused.
func onJob(ctx context.Context, tx pgx.Tx, a surface.Act, by surface.By) error {
	id, err := jobID(ctx)
	if err != nil {
		return err
	}
	var refused error
	_, err = a.Jobs(ctx, tx, []int64{id}, by, func(outcomes []surface.Outcome) {
		for _, o := range outcomes {
			if !o.Changed && o.Note != nil {
				refused = &surface.Refusal{Sentence: *o.Note}
			}
		}
	})
	if err == nil {
		err = refused
	}
	return err
}

func unknownAct() error {
	return &answer.Error{
		Status: http.StatusUnprocessableEntity, Headline: "There is no such act",
		Sentence: "The form names an act that the console does not have. Nothing was changed.", Advice: "Go back and use the page’s own buttons.",
	}
}

// setSnooze reads until when jobs are snoozed.
func setSnooze(by *surface.By, form url.Values) error {
	err := setUntil(by, form)
	if err == nil && by.Until == "" && by.For == 0 {
		err = &surface.Refusal{Sentence: "Say how long to snooze: choose a duration, or give a time.", BadValue: true}
	}
	return err
}

// utcMinute is how browsers write a field for date and time.
const utcMinute = "2006-01-02T15:04"

// setUntil reads when a snooze or mute ends: the form's "until", in UTC, or otherwise its "for" from now. Both may be empty.
func setUntil(by *surface.By, form url.Values) (err error) {
	switch until, length := form.Get("until"), form.Get("for"); {
	case until != "":
		at, err := time.Parse(utcMinute, until)
		if err != nil {
			return &surface.Refusal{Sentence: "A time is written as 2026-12-24T18:00, in UTC.", BadValue: true}
		}
		by.Until = at.Format(time.RFC3339)
	case length != "":
		if by.For, err = time.ParseDuration(length); err != nil || by.For <= 0 {
			return &surface.Refusal{Sentence: "A duration is written as 90m or 2h.", BadValue: true}
		}
	}
	return nil
}
