package reader

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"time"

	"github.com/backlist/backlist/internal/store"
)

// bucket is a kind of limit: so many at once, then one every so long.
type bucket struct {
	name  string
	burst float32
	every time.Duration
}

// The limits on trying. A password of eight characters stands for years against the account's two; the address's keep
// one visitor from taking the hasher, and from learning by sign-up which addresses have accounts.
var (
	signInAddress = bucket{"signin:address", 20, 30 * time.Second}
	signInPlace   = bucket{"signin:place", 8, time.Minute}          // an account, tried from one network
	signInAccount = bucket{"signin:account", 100, 30 * time.Second} // an account, tried from anywhere
	signUpAddress = bucket{"signup:address", 30, time.Minute}
	resetAddress  = bucket{"reset:address", 10, time.Minute}
)

// SignInAllowed says whether a sign-in may be tried from a client's address, and if not, how long to wait. It knows
// nothing of accounts, so its answer is the same for addresses with and without one.
//
// Nobody can lock a reader out for good: the narrow bucket belongs to the account and the network the try comes from, so
// that a stranger empties a bucket of his own. Against a stranger with many networks there is the wide one of the
// account alone; a network from which its reader has signed in is exempt from it, and a password reset, which these
// limits do not touch, fills it up.
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

// SignedIn notes a sign-in that succeeded: the account's tokens for that network come back, and the network is known
// for 60 days.
func SignedIn(ctx context.Context, db store.DBTX, addr, email string) error {
	account := EmailKey(email)
	if err := store.New().RateLimitForget(ctx, db, []string{signInPlace.key(account, network(addr))}); err != nil {
		return err
	}
	return store.New().RateLimitMark(ctx, db, knownPlace(account, addr))
}

// SignUpAllowed says whether an account may be asked for from a client's address, and if not, how long to wait.
func SignUpAllowed(ctx context.Context, db store.DBTX, addr string) (ok bool, wait time.Duration, err error) {
	return signUpAddress.take(ctx, db, host(addr))
}

// ResetAllowed says whether a reset mail may be asked for from a client's address, and if not, how long to wait.
// RequestReset has a limit for the account besides, which it does not show.
func ResetAllowed(ctx context.Context, db store.DBTX, addr string) (ok bool, wait time.Duration, err error) {
	return resetAddress.take(ctx, db, host(addr))
}

func (b bucket) take(ctx context.Context, db store.DBTX, of ...string) (bool, time.Duration, error) {
	return Allow(ctx, db, b.key(of...), b.burst, b.every)
}

func (b bucket) key(of ...string) string { return hashedKey(b.name, of...) }

// knownPlace is the key of the mark that a reader has signed in from a network.
func knownPlace(account, addr string) string { return hashedKey("known:place", account, network(addr)) }

// hashedKey keeps addresses of people and machines out of the table in clear. It is no protection from somebody who
// has the table and guesses them.
func hashedKey(name string, of ...string) string {
	h := sha256.New()
	for _, part := range of {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	return name + ":" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// host is what one visitor holds of the address space: an IPv4 address, or an IPv6 network of 64 bits.
func host(addr string) string { return masked(addr, 32, 64) }

// network is wider, for phones that move within it: 24 bits of IPv4, 48 of IPv6.
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
