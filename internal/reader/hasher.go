package reader

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// The cost of a password, after OWASP's password storage cheat sheet: argon2id with 19 MiB, two passes, one lane.
const (
	hashMemory = 19 * 1024 // KiB
	hashPasses = 2
	hashLanes  = 1
	hashLength = 32 // bytes
	saltLength = 16 // bytes
	// hashSlots is how many passwords are hashed at once. Two would not be faster under load (22 ms each on two cores,
	// limited by memory) and would take the second core from the pages; and 200 concurrent sign-ins took a web process
	// to 82 MiB instead of 62.
	hashSlots = 1
)

// Hasher makes and verifies argon2id hashes of passwords. A process has one Hasher, which hashes one password at a time
// while others wait, so that many concurrent sign-ins cannot exhaust the process's memory.
type Hasher struct {
	slots chan struct{}
	runs  atomic.Int64
}

// NewHasher returns a Hasher.
func NewHasher() *Hasher {
	return &Hasher{slots: make(chan struct{}, hashSlots)}
}

// Hash returns the password's hash with a new salt, as a PHC string. It fails only if ctx ends while it waits for other
// passwords.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	p := phc{memory: hashMemory, passes: hashPasses, lanes: hashLanes, salt: make([]byte, saltLength)}
	_, _ = rand.Read(p.salt) // cannot fail: crypto/rand crashes the program instead
	var err error
	p.sum, err = h.derive(ctx, p, password, hashLength)
	return p.String(), err
}

// Verify reports whether hash is a hash of password. It fails if hash was not made by Hash, or if ctx ends while it
// waits for other passwords.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	p, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	sum, err := h.derive(ctx, p, password, len(p.sum))
	return err == nil && subtle.ConstantTimeCompare(sum, p.sum) == 1, err
}

// VerifyNone takes as long as Verify. It is for a sign-in without an account, so that its duration does not reveal
// that.
func (h *Hasher) VerifyNone(ctx context.Context, password string) error {
	p := phc{memory: hashMemory, passes: hashPasses, lanes: hashLanes, salt: make([]byte, saltLength)}
	_, err := h.derive(ctx, p, password, hashLength)
	return err
}

func (h *Hasher) derive(ctx context.Context, p phc, password string, length int) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other passwords to be hashed: %w", ctx.Err())
	}
	defer func() { <-h.slots }()
	h.runs.Add(1)
	// Some keyboards send é as one character, others as two: it must be the same password.
	typed := []byte(norm.NFC.String(password))
	sum := argon2.IDKey(typed, p.salt, p.passes, p.memory, p.lanes, uint32(length))
	// The 19 MiB are garbage now, but without a collection the next hash would allocate fresh memory, and several such
	// blocks would accumulate. Collecting while we hold the slot lets the next hash reuse the block, unless a small
	// object was allocated in it meanwhile. A memory limit (GOMEMLIMIT) of 40 MiB returns even such blocks.
	runtime.GC()
	return sum, nil
}

// phc is a hash with the parameters to compute it again; String writes it in the PHC string format.
type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, sum      []byte
}

func (p phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.lanes,
		enc.EncodeToString(p.salt), enc.EncodeToString(p.sum))
}

// parsePHC parses the result of String. It accepts other reasonable costs, so that ours can change.
func parsePHC(s string) (p phc, err error) {
	bad := errors.New("a stored password hash is not an argon2id string")
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, bad
	}
	n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes)
	if n != 3 || err != nil || p.memory > 64*1024 || p.passes < 1 || p.passes > 16 || p.lanes < 1 {
		return p, bad
	}
	enc := base64.RawStdEncoding.Strict()
	if p.salt, err = enc.DecodeString(parts[4]); err != nil || len(p.salt) < 8 {
		return p, bad
	}
	if p.sum, err = enc.DecodeString(parts[5]); err != nil || len(p.sum) < 16 {
		return p, bad
	}
	return p, nil
}
