package reader

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/backlist/backlist/internal/store"
	"github.com/backlist/backlist/internal/testdb"
)

// passes lets time pass for a bucket: in a test's transaction now() does not change.

func (b bundle) passes(t *testing.T, key string, d time.Duration) {
	t.Helper()
	b.exec(t, "update rate_limit set updated_at = updated_at - make_interval(secs => $2) where key = $1", key, d.Seconds())
}

func TestAllow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	take := func(want bool, wantWait time.Duration) {
		t.Helper()
		ok, wait, err := Allow(t.Context(), b.tx, "test", 3, time.Minute)
		if err != nil || ok != want || (wait-wantWait).Abs() > 10*time.Millisecond {
			t.Errorf("%t, %v, %v; want %t, %v", ok, wait, err, want, wantWait)
		}
	}
	for range 3 {
		take(true, 0)
	}
	for range 5 {
		take(false, time.Minute) // a refusal takes no token
	}
	b.passes(t, "test", 20*time.Second)
	take(false, 40*time.Second)
	b.passes(t, "test", 30*time.Second)
	take(false, 10*time.Second) // nor the part of a token gained so far
	b.passes(t, "test", 10*time.Second+time.Millisecond)
	take(true, 0)
	take(false, time.Minute)
	b.passes(t, "test", 24*time.Hour)
	for range 3 {
		take(true, 0) // at most the burst
	}
	take(false, time.Minute)
	b.passes(t, "test", -time.Hour)
	take(false, time.Minute) // a clock that went back does not take tokens
}

func TestAllowAtOnce(t *testing.T) {
	t.Parallel()
	pool := testdb.New(t)
	var passed atomic.Int32
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			ok, _, err := Allow(t.Context(), pool, "test", 8, time.Hour)
			if err != nil {
				t.Error(err)
			}
			if ok {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 8 {
		t.Errorf("%d of 40 concurrent calls got one of 8 tokens", passed.Load())
	}
}

func signIns(t *testing.T, db store.DBTX, n int, addr func(i int) string, email string) (passed int) {
	t.Helper()
	for i := range n {
		ok, wait, err := SignInAllowed(t.Context(), db, addr(i), email)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			passed++
		} else if wait <= 0 || wait > time.Minute {
			t.Errorf("a refused attempt has wait %v", wait)
		}
	}
	return passed
}

func TestSignInAllowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	at := func(addr string) func(int) string { return func(int) string { return addr } }
	if n := signIns(t, b.tx, 12, at("192.0.2.1"), "odo@example.com"); n != 8 {
		t.Errorf("one network got %d attempts at an account", n)
	}
	if n := signIns(t, b.tx, 12, at("192.0.2.200"), " ODO@example.com"); n != 0 {
		t.Errorf("the same network with the address in capitals got %d more", n)
	}
	// The attacker's network has emptied its own bucket; the reader uses another network.
	if n := signIns(t, b.tx, 1, at("198.51.100.7"), "odo@example.com"); n != 1 {
		t.Error("an attacker locked the reader out")
	}
	if n := signIns(t, b.tx, 30, func(int) string { return "203.0.113.9" }, "nobody@example.com"); n != 8 {
		t.Errorf("an address without account got %d attempts", n)
	}
	tried := 0
	for i := range 30 {
		tried += signIns(t, b.tx, 1, at("2001:db8:0:1::"+fmt.Sprintf("%x", i)), fmt.Sprintf("reader%d@example.com", i))
	}
	if tried != 20 {
		t.Errorf("one IPv6 network got %d attempts at many accounts", tried)
	}
	if n := b.count(t, "select count(*) from rate_limit where key ~ 'odo|example|192|2001|nobody'"); n != 0 {
		t.Errorf("%d keys contain an address", n)
	}
}

func TestSignedIn(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	home := func(int) string { return "198.51.100.7" }
	signIns(t, b.tx, 7, home, b.odo.Email)
	if err := SignedIn(ctx, b.tx, home(0), b.odo.Email); err != nil {
		t.Fatal(err)
	}
	if n := signIns(t, b.tx, 12, home, b.odo.Email); n != 8 {
		t.Errorf("%d attempts after a success, want all 8", n)
	}
	if err := SignedIn(ctx, b.tx, home(0), b.odo.Email); err != nil {
		t.Fatal(err)
	}
	// Many networks empty the account's wide bucket; the reader can still sign in from a known network, or after a
	// reset.
	farm := func(i int) string { return fmt.Sprintf("203.%d.113.1", i) }
	if n := signIns(t, b.tx, 150, farm, b.odo.Email); n < 80 || n > 100 {
		t.Errorf("150 networks got %d attempts", n)
	}
	b.exec(t, "delete from rate_limit where key = $1", signInAddress.key(host(home(0))))
	if n := signIns(t, b.tx, 1, home, b.odo.Email); n != 1 {
		t.Error("the reader is locked out on a known network")
	}
	abroad := func(int) string { return "192.0.2.55" }
	if n := signIns(t, b.tx, 1, abroad, b.odo.Email); n != 0 {
		t.Error("the wide bucket is not empty")
	}
	link, err := MintReset(ctx, b.tx, b.odo.Email, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ResetPassword(ctx, b.tx, strings.TrimPrefix(link, "/reset/"), noHash); err != nil {
		t.Fatal(err)
	}
	if n := signIns(t, b.tx, 1, abroad, b.odo.Email); n != 1 {
		t.Error("a reset did not refill the account's bucket")
	}
}

func TestPruneLimits(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t), t.Context()
	if err := SignedIn(ctx, b.tx, "198.51.100.7", b.odo.Email); err != nil {
		t.Fatal(err)
	}
	for _, allowed := range []func() (bool, time.Duration, error){
		func() (bool, time.Duration, error) { return SignUpAllowed(ctx, b.tx, "198.51.100.7") },
		func() (bool, time.Duration, error) { return ResetAllowed(ctx, b.tx, "198.51.100.7") },
	} {
		if ok, _, err := allowed(); !ok || err != nil {
			t.Errorf("a first attempt: %t, %v", ok, err)
		}
	}
	for _, step := range []struct {
		age  string
		left int
	}{{"1 hour", 3}, {"2 days", 1}, {"61 days", 0}} {
		b.exec(t, "update rate_limit set updated_at = now() - $1::interval", step.age)
		if _, err := PruneLimits(ctx, b.tx); err != nil {
			t.Fatal(err)
		}
		if n := b.count(t, "select count(*) from rate_limit"); n != step.left {
			t.Errorf("after %s %d rows, want %d", step.age, n, step.left)
		}
	}
}
