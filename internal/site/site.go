// Package site keeps the address that readers reach the site by. Links in mail begin with it. It is BASE_URL where that is
// set, otherwise the address of the first sign-up.
package site

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/config"
	"github.com/backlist/backlist/internal/store"
)

var (
	// ErrUnknown means that BASE_URL is not set and no account has been made yet.
	ErrUnknown = errors.New("the site's address is not known yet: set BASE_URL, or make the first account on the site")
	// ErrHost means that links cannot begin with the host that a browser asked for.
	ErrHost = errors.New("not a host that links in mail can begin with")
)

// maxHost is the length of the longest host name that DNS knows, with a port.
const maxHost = 253 + len(":65535")

// Address is the site's address in one process.
type Address struct {
	base  string      // BASE_URL, or empty
	known atomic.Bool // an address is stored; later sign-ups need not ask
}

// NewAddress returns the address of a site with this BASE_URL, which may be empty.
func NewAddress(base string) *Address { return &Address{base: base} }

// Base returns the URL that links begin with, without a final slash.
func (a *Address) Base(ctx context.Context, db store.DBTX) (string, error) {
	if a.base != "" {
		return a.base, nil
	}
	base, err := store.New().SiteBaseURL(ctx, db)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ErrUnknown
	}
	if err != nil {
		return "", fmt.Errorf("the site's address: %w", err)
	}
	return base, nil
}

// Learn stores the address of the first sign-up in its transaction, and returns the address that is stored. It returns an
// empty string where nothing has to be learnt. Once the transaction is committed, call Learnt. Where no proxy checks host
// names, BASE_URL should be set, since the first visitor could otherwise choose where links lead.
func (a *Address) Learn(ctx context.Context, tx pgx.Tx, scheme, host string) (string, error) {
	if a.base != "" || a.known.Load() {
		return "", nil
	}
	if len(host) > maxHost {
		return "", ErrHost
	}
	u, err := config.ParseURL("Host", scheme+"://"+host, scheme)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrHost, err)
	}
	if u.User != nil || u.Path != "" {
		return "", ErrHost
	}
	base, err := store.New().SiteLearn(ctx, tx, u.String())
	if err != nil {
		return "", fmt.Errorf("learn the site's address: %w", err)
	}
	return base, nil
}

// Learnt notes that a transaction with Learn was committed: from now on Learn asks nothing of the database.
func (a *Address) Learnt() { a.known.Store(true) }

// Set stores base in place of any address that is stored. Command dev does this: its port may differ from run to run, and
// commands beside it read the address.
func Set(ctx context.Context, db store.DBTX, base string) error {
	if err := store.New().SiteSet(ctx, db, base); err != nil {
		return fmt.Errorf("store the site's address: %w", err)
	}
	return nil
}
