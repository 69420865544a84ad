// Package heroku is a small client of Heroku's Platform API: it reads and changes how many dynos of a process type an app has.
package heroku

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/backlist/backlist/internal/scale"
	"github.com/backlist/backlist/internal/scale/plan"
)

// Address is that of the API.
const Address = "https://api.heroku.com"

const (
	// cached is how long an answer is used again: the API limits the number of calls.
	cached = 30 * time.Second
	// callTimeout bounds a call.
	callTimeout = 8 * time.Second
	// restAfter is how long no call follows after the limit was reached or a release refused a change.
	restAfter = 30 * time.Second
	// mostAnswer bounds what is read of an answer.
	mostAnswer = 1 << 20
)

// The reasons for which a call fails, beside those of the network.
var (
	ErrToken = errors.New("the token has no right to scale this app: make one with heroku authorizations:create -s write, and set HEROKU_API_TOKEN")
	ErrApp   = errors.New("there is no such app, or the token cannot see it: SCALE_APP must be its present name or its id")
	ErrRate  = errors.New("the API's limit of calls is reached; it is asked again in half a minute")
	ErrState = errors.New("the app cannot be changed now, as during a release; it is asked again in half a minute")
)

// Client calls the API for one app.
type Client struct {
	address, app, token string
	http                *http.Client
	now                 func() time.Time

	mu        sync.Mutex
	sizes     map[string]size // by process type
	readAt    time.Time
	restUntil time.Time // because of the limit of calls
	busyUntil time.Time // because of a release
	fir       bool
	knowsFir  bool
}

// size is what the app has of a process type.
type size struct {
	Type     string `json:"type"`
	Quantity int    `json:"quantity"`
	Size     string `json:"size"`
}

// New returns a client for an app, by its name or id. Redirects are not followed, because they would take the token elsewhere.
func New(address, app, token string) *Client {
	return &Client{
		address: address, app: app, token: token, now: time.Now,
		http: &http.Client{Timeout: callTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// Formation returns the app's dynos of a process type.
func (c *Client) Formation(processType string) scale.Formation { return &formation{c, processType} }

// formation is the dynos of one process type.
type formation struct {
	*Client
	processType string
}

// Read returns how many dynos there are. A process type that the app does not list has none.
func (f *formation) Read(ctx context.Context, fresh bool) (plan.Formation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fresh || f.sizes == nil || f.now().Sub(f.readAt) >= cached {
		if err := f.read(ctx); err != nil {
			return plan.Formation{}, err
		}
	}
	s := f.sizes[f.processType]
	return plan.Formation{
		Quantity: s.Quantity, Unordered: f.fir, Busy: f.now().Before(f.busyUntil),
		Fixed: strings.EqualFold(s.Size, "eco") || strings.EqualFold(s.Size, "basic"),
	}, nil
}

// read reads the formation, and once whether the app runs on Fir, where dynos have no numbers.
func (c *Client) read(ctx context.Context) error {
	if !c.knowsFir {
		var app struct {
			Generation struct{ Name string } `json:"generation"`
		}
		if err := c.call(ctx, http.MethodGet, "", nil, &app); err != nil {
			return err
		}
		c.fir, c.knowsFir = strings.EqualFold(app.Generation.Name, "fir"), true
	}
	var list []size
	if err := c.call(ctx, http.MethodGet, "/formation", nil, &list); err != nil {
		return err
	}
	c.keep(list)
	c.readAt = c.now()
	return nil
}

func (c *Client) keep(list []size) {
	if c.sizes == nil {
		c.sizes = map[string]size{}
	}
	for _, s := range list {
		c.sizes[s.Type] = s
	}
}

// Set changes how many dynos there are. It uses the call for several process types, which also works for one that has none.
func (f *formation) Set(ctx context.Context, quantity int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []size
	err := f.call(ctx, http.MethodPatch, "/formation", map[string]any{
		"updates": []map[string]any{{"type": f.processType, "quantity": quantity}},
	}, &list)
	if err != nil {
		f.sizes = nil // the outcome may be unknown
		return err
	}
	f.keep(list)
	return nil
}

// call makes a call, and reads its answer into result.
func (c *Client) call(ctx context.Context, method, path string, body, result any) error {
	if c.now().Before(c.restUntil) {
		return ErrRate
	}
	text := []byte{}
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, c.address+"/apps/"+url.PathEscape(c.app)+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "backlist")
	answer, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("the platform's API did not answer: %w", err)
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("the platform's API did not answer: %w", err)
	}
	if answer.StatusCode/100 != 2 {
		return c.refused(answer.StatusCode, text)
	}
	if err := json.Unmarshal(text, result); err != nil {
		return fmt.Errorf("the platform's API gave an unknown answer: %w", err)
	}
	return nil
}

// refused returns the error of an answer.
func (c *Client) refused(status int, text []byte) error {
	var problem struct {
		ID    string `json:"id"`
		Limit int    `json:"limit"`
	}
	_ = json.Unmarshal(text, &problem) // the status says enough
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return ErrToken
	case http.StatusNotFound:
		return ErrApp
	case http.StatusTooManyRequests:
		c.restUntil = c.now().Add(restAfter)
		return ErrRate
	case http.StatusUnprocessableEntity:
		if problem.ID == "cannot_run_above_limit" && problem.Limit > 0 {
			return &scale.LimitError{Limit: problem.Limit}
		}
		c.busyUntil = c.now().Add(restAfter)
		return ErrState
	}
	return fmt.Errorf("the platform's API answered with status %d", status)
}
