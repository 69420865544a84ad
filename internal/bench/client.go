package bench

import (
	"io"
	"net/http"
	"time"
)

// NewClient returns a client that keeps up to connections open to one server and follows no redirect: an answer is what
// the measured request got, not what a browser would do next.
func NewClient(connections int) *http.Client {
	return &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			MaxIdleConns:        connections,
			MaxIdleConnsPerHost: connections,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true, // the answer's length is not what is measured
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Drain reads an answer to its end, without which its connection could not be used again.
func Drain(r *http.Response) error {
	_, err := io.Copy(io.Discard, r.Body)
	if closing := r.Body.Close(); err == nil {
		err = closing
	}
	return err
}
