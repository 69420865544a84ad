package reader

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"time"

	"github.com/backlist/backlist/internal/store"
)

// bucket is a kind of limit: a number of attempts at once, then one per interval.
type bucket struct {
	name  string
	burst float32
	every time.Duration
}

// The limits of attempts. A password of eight characters withstands the account's two limits for years. The limits of
// an address keep one visitor from occupying the hasher, and from learning by sign-up which addresses have accounts.
var (
	signInAddress = bucket{"signin:address", 20, 30 * time.Second}
	signInPlace   = bucket{"signin:place", 8, time.Minute}          // an account, from one network
	signInAccount = bucket{"signin:account", 100, 30 * time.Second} // an account, from anywhere
	signUpAddress = bucket{"signup:address", 30, time.Minute}
	resetAddress  = bucket{"reset:address", 10, time.Minute}
)

// SignInAllowed reports whether a client's address may attempt a sign-in, and if not, how long to wait. It does not
// look up the account, so it does not reveal whether there is one.
//
// An attacker cannot lock a reader out: the narrow bucket belongs to the account and the network of the attempt, so an
// attacker empties only their own bucket. The wide bucket of the account alone protects against an attacker with many
// networks. Networks from which the reader has signed in are exempt from it, and a password reset, which these limits
// do not affect, refills it.
func SignInAllowed(ctx context.Context, db store.DBTX, addr, email string) (ok bool, wait time.Duration, err error) {
	if ok, wait, err = signInAddress.take(ctx, db, host(addr)); !ok || err != nil {
		return ok, wait, err
	}
	account := EmailKey(email)
	if ok, wait, err = signInPlace.take(ctx, db, account, network(addr)); !ok || err != nil {
		return ok, wait, err
	}
	known, err := store.New().RateLimitHas(ctx, db, knownPlace(account, addr))
	if known || err != nil {
		return known, 0, err
	}
	return signInAccount.take(ctx, db, account)
}

// SignedIn records a successful sign-in: it refills the account's bucket for that network, and the network is known for
// 60 days.
func SignedIn(ctx context.Context, db store.DBTX, addr, email string) error {
	account := EmailKey(email)
	if err := store.New().RateLimitForget(ctx, db, []string{signInPlace.key(account, network(addr))}); err != nil {
		return err
	}
	return store.New().RateLimitMark(ctx, db, knownPlace(account, addr))
}

// SignUpAllowed reports whether a client's address may attempt a sign-up, and if not, how long to wait.
func SignUpAllowed(ctx context.Context, db store.DBTX, addr string) (ok bool, wait time.Duration, err error) {
	return signUpAddress.take(ctx, db, host(addr))
}

// ResetAllowed reports whether a client's address may request a reset mail, and if not, how long to wait. RequestReset
// also has a limit for the account, which it does not reveal.
func ResetAllowed(ctx context.Context, db store.DBTX, addr string) (ok bool, wait time.Duration, err error) {
	return resetAddress.take(ctx, db, host(addr))
}

func (b bucket) take(ctx context.Context, db store.DBTX, of ...string) (bool, time.Duration, error) {
	return Allow(ctx, db, b.key(of...), b.burst, b.every)
}

func (b bucket) key(of ...string) string { return hashedKey(b.name, of...) }

// knownPlace is the key that marks a network from which a reader has signed in.
func knownPlace(account, addr string) string { return hashedKey("known:place", account, network(addr)) }

// hashedKey keeps e-mail and IP addresses out of the table. It does not protect them from an attacker who has the table
// and guesses them.
func hashedKey(name string, of ...string) string {
	h := sha256.New()
	for _, part := range of {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return name + ":" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// host returns the part of the address space that one visitor has: an IPv4 address, or an IPv6 network of 64 bits.
func host(addr string) string { return masked(addr, 32, 64) }

// network returns a wider part, within which phones move: 24 bits of IPv4, 48 of IPv6.
func network(addr string) string { return masked(addr, 24, 48) }

func masked(addr string, bits4, bits6 int) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	ip = ip.Unmap().WithZone("")
	bits := bits6
	if ip.Is4() {
		bits = bits4
	}
	prefix, err := ip.Prefix(bits)
	if err != nil {
		return addr
	}
	return prefix.String()
}
