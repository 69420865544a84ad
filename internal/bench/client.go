package bench

import (
	"io"
	"net/http"
	"time"
)

// NewClient returns a client that keeps up to connections open to one server. It follows no redirects, because only the
// requests themselves are measured.
func NewClient(connections int) *http.Client {
	return &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			MaxIdleConns:        connections,
			MaxIdleConnsPerHost: connections,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true, // the length of answers is not measured
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Drain reads an answer to its end, so that its connection can be reused.
func Drain(r *http.Response) error {
	_, err := io.Copy(io.Discard, r.Body)
	if closing := r.Body.Close(); err == nil {
		err = closing
	}
	return err
}
