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
	// hashSlots is how many run at once. Two would be no faster under a rush (22 ms each on two cores, memory being the
	// bound) and take the second core from the pages; and 200 sign-ins at once took a web process to 82 MiB, not 62.
	hashSlots = 1
)

// Hasher makes and checks the hashes of passwords with argon2id. A process has one Hasher: it hashes one password at a
// time while the others wait, so that a rush of sign-ins cannot take the process's memory.
type Hasher struct {
	slots chan struct{}
	runs  atomic.Int64
}

// NewHasher returns a Hasher that nobody uses yet.
func NewHasher() *Hasher {
	return &Hasher{slots: make(chan struct{}, hashSlots)}
}

// Hash returns the password's hash with a salt of its own, as a PHC string. An error means that ctx ended while others
// were being hashed.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	p := phc{memory: hashMemory, passes: hashPasses, lanes: hashLanes, salt: make([]byte, saltLength)}
	_, _ = rand.Read(p.salt) // it cannot fail: crypto/rand ends the program instead
	var err error
	p.sum, err = h.derive(ctx, p, password, hashLength)
	return p.String(), err
}

// Verify reports whether password is the one that hash was made of. An error means that hash is none of ours, or that
// ctx ended while others were being hashed.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	p, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	sum, err := h.derive(ctx, p, password, len(p.sum))
	return err == nil && subtle.ConstantTimeCompare(sum, p.sum) == 1, err
}

// VerifyNone takes the time of Verify where there is no account, so that the time of a sign-in says nothing.
func (h *Hasher) VerifyNone(ctx context.Context, password string) error {
	p := phc{memory: hashMemory, passes: hashPasses, lanes: hashLanes, salt: make([]byte, saltLength)}
	_, err := h.derive(ctx, p, password, hashLength)
	return err
}

// Runs returns how many passwords have gone through argon2: what sign-ins cost, and what tests compare.
func (h *Hasher) Runs() int64 { return h.runs.Load() }

func (h *Hasher) derive(ctx context.Context, p phc, password string, length int) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a turn at hashing: %w", ctx.Err())
	}
	defer func() { <-h.slots }()
	h.runs.Add(1)
	// One keyboard sends é as one character and another as two: the same password.
	typed := []byte(norm.NFC.String(password))
	sum := argon2.IDKey(typed, p.salt, p.passes, p.memory, p.lanes, uint32(length))
	// The 19 MiB are garbage now, but the collector does not know it yet and the next hash would get fresh memory: several
	// such blocks would pile up. Collecting while we hold the slot lets the next one have this one's place, unless
	// something small has settled in it meanwhile. A memory limit (GOMEMLIMIT) of 40 MiB has even those given back.
	runtime.GC()
	return sum, nil
}

// phc is a hash with all that is needed to make it again, written in the PHC string format.
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

// parsePHC reads what String writes. It takes other costs within reason, so that ours can change some day.
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
