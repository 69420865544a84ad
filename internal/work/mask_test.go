package work_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/riverqueue/river"

	"github.com/backlist/backlist/internal/testdb"
)

// TestAddressesAreMasked: the stored error of a failure has no addresses, and River still recognises the error.
func TestAddressesAreMasked(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	jobs := inserter(t, pool)
	texts := []string{
		"451 <odo@example.org>: try later, affected: odo@example.org", "dial smtp://postman:s3cr3t@mail.example.org:587: refused",
		"nothing to hide", "wrapped: ODO.D'Arc+tag@mail.example.org",
	}
	want := []string{
		"451 <(address)>: try later, affected: (address)", "dial smtp://(address): refused",
		"nothing to hide", "wrapped: (address)",
	}
	done := make(chan struct{}, len(texts))
	running(t, pool, func(_ context.Context, job *river.Job[stepArgs]) error {
		defer func() { done <- struct{}{} }()
		return river.JobCancel(fmt.Errorf("%s%w", texts[job.Args.N], errors.New("")))
	})
	for n := range texts {
		if _, err := jobs.Insert(t.Context(), stepArgs{N: n}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for range texts {
		<-done
	}
	for n := range texts {
		until(t, pool, "it is not retried, since the wrapped error was still recognised",
			"select state = 'cancelled' from jobs.job where (args ->> 'n')::int = $1", n)
		var text string
		if err := pool.QueryRow(t.Context(), "select last_error from jobs.job where (args ->> 'n')::int = $1", n).Scan(&text); err != nil {
			t.Fatal(err)
		}
		if text != "JobCancelError: "+want[n] {
			t.Errorf("%q is kept as %q, want %q", texts[n], text, want[n])
		}
	}
}
