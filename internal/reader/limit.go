package reader

import (
	"context"
	"fmt"
	"time"

	"github.com/backlist/backlist/internal/store"
)

// Allow takes a token out of key's bucket, in one statement. The bucket holds burst tokens at most and gets one back
// every so long. Where it is empty ok is false, nothing is taken, and wait is the time until the next token. db is the
// pool: in a transaction that is rolled back the try would not count.
func Allow(
	ctx context.Context, db store.DBTX, key string, burst float32, every time.Duration,
) (ok bool, wait time.Duration, err error) {
	left, err := store.New().RateLimitTake(ctx, db, store.RateLimitTakeParams{
		Key: key, Burst: burst, Seconds: every.Seconds(),
	})
	if err != nil {
		return false, 0, fmt.Errorf("take from a rate limit: %w", err)
	}
	if left >= 0 {
		return true, 0, nil
	}
	return false, time.Duration(-float64(left) * float64(every)), nil
}

// PruneLimits deletes the buckets that are full again, and returns how many. Daily is enough.
func PruneLimits(ctx context.Context, db store.DBTX) (int64, error) {
	return store.New().RateLimitPrune(ctx, db)
}
