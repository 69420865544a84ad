package reader

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestHasher(t *testing.T) {
	t.Parallel()
	h, ctx := NewHasher(), t.Context()
	hash, err := h.Hash(ctx, "caf\u00e9 au lait")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(hash, err)
	}
	if again, err := h.Hash(ctx, "caf\u00e9 au lait"); err != nil || again == hash {
		t.Errorf("two hashes share a salt, or %v", err)
	}
	for password, want := range map[string]bool{
		"caf\u00e9 au lait": true, "cafe\u0301 au lait": true, // as some keyboards send it
		"Caf\u00e9 au lait": false, "caf\u00e9 au lait ": false, "": false, "\xff": false,
	} {
		if ok, err := h.Verify(ctx, hash, password); err != nil || ok != want {
			t.Errorf("%+q: %t, %v", password, ok, err)
		}
	}
	for _, bad := range []string{
		"", "secret", "$argon2id$v=19$m=19456,t=2,p=1$$", strings.Replace(hash, "argon2id", "argon2i", 1),
		strings.Replace(hash, "m=19456", "m=4194304", 1), strings.Replace(hash, "t=2", "t=0", 1), hash + "$", hash[:70],
	} {
		if ok, err := h.Verify(ctx, bad, "caf\u00e9 au lait"); ok || err == nil {
			t.Errorf("%q: %t, %v", bad, ok, err)
		}
	}
}

func TestHasherWaits(t *testing.T) {
	t.Parallel()
	h := NewHasher()
	for range cap(h.slots) {
		h.slots <- struct{}{} // all slots are busy
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "password"); !errors.Is(err, context.Canceled) {
		t.Errorf("hash: %v", err)
	}
	if err := h.VerifyNone(ctx, "password"); !errors.Is(err, context.Canceled) || h.runs.Load() != 0 {
		t.Errorf("verify: %v after %d runs", err, h.runs.Load())
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	b, ctx, h := setup(t), t.Context(), NewHasher()
	hash, err := h.Hash(ctx, "eight letters")
	if err != nil {
		t.Fatal(err)
	}
	b.exec(t, "update reader set password_hash = $2 where id = $1", b.odo.ID, hash)
	for _, tc := range []struct {
		what, email, password string
		want                  error
	}{
		{"right", "ODO@example.com", "eight letters", nil},
		{"a wrong password", "odo@example.com", "nine letters", ErrSignIn},
		{"no account", "nobody@example.com", "eight letters", ErrSignIn},
		{"no address", "", "", ErrSignIn},
		{"no text", "odo\x00@example.com", "\xff", ErrSignIn},
		{"a huge password", "odo@example.com", strings.Repeat("eight letters", 1000), ErrSignIn},
	} {
		before := h.runs.Load()
		r, err := SignIn(ctx, b.tx, h, tc.email, tc.password)
		if !errors.Is(err, tc.want) || (err == nil) != (r.ID == b.odo.ID) {
			t.Errorf("%s: reader %d, %v", tc.what, r.ID, err)
		}
		// The duration is the same because the work is.
		if runs := h.runs.Load() - before; runs != 1 {
			t.Errorf("%s: %d passwords hashed, want 1", tc.what, runs)
		}
	}
}

// TestHasherMemory hashes many passwords at once in a process of its own, and checks its peak memory: a block for each
// slot, one that is free but holds a small object, and 8 MiB for the rest. Without the explicit collection it would be
// more.
func TestHasherMemory(t *testing.T) {
	if n, err := strconv.Atoi(os.Getenv("HASHER_RUSH")); err == nil {
		rush(t, n)
		return
	}
	t.Parallel()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("needs /proc/self/status, to read the memory from")
	}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("needs a build without the race detector, which takes memory itself")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHasherMemory$", "-test.v")
	cmd.Env = append(os.Environ(), "HASHER_RUSH=40")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var base, peak int
	if _, after, ok := strings.Cut(string(out), "rush: "); !ok {
		t.Fatalf("no measurement in\n%s", out)
	} else if _, err := fmt.Sscanf(after, "base %d peak %d", &base, &peak); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d KiB before, %d KiB at most", base, peak)
	if grown := peak - base; grown > (hashSlots+1)*hashMemory+8*1024 {
		t.Errorf("concurrent sign-ins took %d KiB", grown)
	}
}

// rush hashes n passwords at once in a process with as much heap as a web process, and prints the memory before and at
// the peak.
func rush(t *testing.T, n int) {
	live := make([][]byte, 16*1024)
	for i := range live {
		live[i] = make([]byte, 512) // 8 MiB
	}
	h, base := NewHasher(), status(t, "VmRSS")
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			page := make([]byte, 64*1024) // of the waiting request
			if err := h.VerifyNone(t.Context(), "password"); err != nil {
				t.Error(err)
			}
			runtime.KeepAlive(page)
		})
	}
	wg.Wait()
	fmt.Printf("rush: base %d peak %d KiB\n", base, status(t, "VmHWM"))
	runtime.KeepAlive(live)
}

// status returns a figure of this process in KiB.
func status(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), name+":")
	n, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
