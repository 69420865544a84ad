package crowd

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/backlist/backlist/internal/bench"
	"github.com/backlist/backlist/internal/reader"
)

const signInsAtOnce = 8

// signInWhileRating signs readers in by their passwords, each from an address of its own, while others rate.
func (m *measurement) signInWhileRating(ctx context.Context, report *Report, round int) error {
	count := m.SignIns / m.Rounds
	if round <= m.SignIns%m.Rounds {
		count++
	}
	m.Say("round %d: %d sign-ins, %d at once, beside %d connections that rate", round, count, signInsAtOnce, manyConnections)
	m.turn++
	ratings, stop := context.WithCancel(ctx)
	rated, watched := make(chan bench.Load, 1), make(chan bench.Memory, 1)
	rate := m.rate(WithJob)
	go func() {
		// The last requests are not cut off: their jobs might be committed, and counted, in the next turn.
		rated <- bench.Run(ratings, manyConnections, time.Hour, 0, func(_ context.Context, n int) error { return rate(ctx, n) })
	}()
	go func() { watched <- bench.Watch(ratings, m.webs[WithJob].PID()) }()
	client := bench.NewClient(signInsAtOnce)
	load := bench.Run(ctx, signInsAtOnce, time.Hour, count, func(ctx context.Context, n int) error {
		_, err := m.signIn(ctx, client, report.SignIns+n)
		return err
	})
	stop()
	<-rated
	report.watched.Peak = max(report.watched.Peak, (<-watched).Peak)
	report.SignIns += len(load.Took)
	report.SignInP50 = bench.Milliseconds(bench.Percentile(load.Took, 0.5))
	if load.FirstError != nil {
		return fmt.Errorf("sign in: %w", load.FirstError)
	}
	return ctx.Err()
}

// signIn signs the n-th reader in and returns the session's cookie.
func (m *measurement) signIn(ctx context.Context, client *http.Client, n int) (*http.Cookie, error) {
	v := m.readers[n%len(m.readers)]
	r, err := m.request(ctx, m.webs[WithJob], http.MethodPost, "/signin", url.Values{
		"email": {v.email}, "password": {m.password},
	})
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.1", n>>8&255, n&255))
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	if err := bench.Drain(resp); err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusSeeOther {
		for _, cookie := range resp.Cookies() {
			if _, err := reader.BySession(ctx, m.Pool, cookie.Value); err == nil {
				return cookie, nil
			}
		}
	}
	return nil, fmt.Errorf("a sign-in was answered %s, without a session", resp.Status)
}

// learnCookie finds the name of the session's cookie.
func (m *measurement) learnCookie(ctx context.Context) error {
	cookie, err := m.signIn(ctx, bench.NewClient(1), 0)
	if err == nil {
		m.cookie = cookie.Name
	}
	return err
}
