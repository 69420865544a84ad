package lab

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/trace"
	"github.com/backlist/backlist/internal/work"
)

var (
	//go:embed sql/requests.sql
	requestsSQL string
	//go:embed sql/attempts.sql
	attemptsSQL string
	//go:embed sql/states.sql
	statesSQL string
	//go:embed sql/letters.sql
	lettersSQL string
)

// The lesson's times, for comparison.
const (
	lessonInline     = "223 ms"
	lessonBackground = "24 ms"
)

func inlineOrBackground() Experiment {
	return Experiment{
		Slug: "inline-or-background", Title: "Inline or in the background",
		Purpose: "The same action twice: once the reader waits for all of it, once jobs do the slow part.",
		Lesson: "A request loads the reader, makes recommendations, sends a mail through a slow service and renders a page. " +
			"The lab sends it to two handlers of this program, over HTTP. One does everything before it answers. " +
			"The other enqueues two jobs in the transaction that writes its data, and answers; a worker does the rest. " +
			"Before both, the program does the work once without measuring it, so that neither begins cold.",
		Button: "Send both requests", Limit: 30 * time.Second,
		Code: []Code{
			{"Before: all of it in the handler", "inline_site.go", "site.inline"},
			{"After: the handler enqueues", "inline_site.go", "site.background"},
			{"The data and its jobs commit together", "inline_site.go", "site.enqueue"},
			{"A worker does the slow part", "jobs.go", "recommendWorker.Work"},
		},
		Run: runInline,
	}
}

func runInline(ctx context.Context, r *Run) error {
	s := &site{Run: r}
	if err := s.warmUp(ctx); err != nil {
		return err
	}
	if err := r.Show(ctx, "The first request waits for everything: recommendations, then the mail."); err != nil {
		return err
	}
	if err := s.visit(ctx, "inline", s.inline); err != nil {
		return err
	}
	if err := s.draw(ctx, "The second request enqueues two jobs and is answered."); err != nil {
		return err
	}
	if err := s.visit(ctx, "background", s.background); err != nil {
		return err
	}
	doing := "The second request is answered. Its jobs do the rest."
	if err := s.draw(ctx, doing); err != nil {
		return err
	}
	seen := ""
	return until(ctx, func() (bool, error) {
		states, err := ask[jobState](ctx, r, "The jobs while they run", statesSQL, pgx.NamedArgs{"jobs": s.jobIDs})
		if err != nil {
			return false, err
		}
		attempts, err := s.attempts(ctx)
		if err != nil {
			return false, err
		}
		now := fmt.Sprint(states, len(attempts))
		if done := len(attempts) >= len(s.jobIDs); now != seen || done {
			seen = now
			return done, s.draw(ctx, doing)
		}
		return false, nil
	})
}

// visit sends a request to a handler and records its trace, from the handler's start until it has written the answer.
func (s *site) visit(ctx context.Context, side string, handle func(context.Context, io.Writer) error) error {
	var (
		began, ended time.Time
		steps        *trace.Trace
		failed       error
	)
	id := s.requestID(side)
	status, err := get(ctx, func(w http.ResponseWriter, r *http.Request) {
		began = time.Now()
		ctx := work.WithOrigin(r.Context(), work.Origin{RequestID: id})
		ctx, steps = trace.Start(ctx)
		if failed = handle(ctx, w); failed != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		ended = time.Now()
	})
	if err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("the %s request: %w", side, failed)
	}
	times, err := json.Marshal(steps.Steps())
	if err != nil {
		return err
	}
	ahead, err := s.clock(ctx)
	if err != nil {
		return err
	}
	return store.New().LabRequestInsert(ctx, s.DB, store.LabRequestInsertParams{
		RunID: s.ID, Side: side, RequestID: id, Status: int32(status), Steps: times,
		StartedAt: began.Add(ahead), EndedAt: ended.Add(ahead),
	})
}

// clock returns by how much the database's clock is ahead of this machine's, which may differ by more than a request takes. Of a
// few answers the quickest says it best.
func (s *site) clock(ctx context.Context) (ahead time.Duration, err error) {
	quickest := time.Hour
	for range 5 {
		asked := time.Now()
		there, err := store.New().LabClock(ctx, s.DB)
		if err != nil {
			return 0, fmt.Errorf("ask for the database's time: %w", err)
		}
		if took := time.Since(asked); took < quickest {
			quickest, ahead = took, there.Sub(asked.Add(took/2))
		}
	}
	return ahead, nil
}

func (s *site) requestID(side string) string { return "lab-" + s.ID + "-" + side }

// get serves handler on a port of its own, sends it one request, and reads the answer.
func get(ctx context.Context, handler http.HandlerFunc) (status int, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with ErrServerClosed
	}()
	defer func() {
		_ = server.Close()
		<-served
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.Addr().String(), nil)
	if err != nil {
		return 0, err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
