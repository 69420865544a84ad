package reader

import (
	"context"
	"fmt"
	"time"

	"github.com/backlist/backlist/internal/store"
)

// Allow takes a token from key's bucket, in one statement. The bucket holds at most burst tokens and gains one per
// interval every. If it is empty, ok is false and wait is the time until the next token. db must be the pool, because
// in a transaction that is rolled back the attempt would not count.
func Allow(
	ctx context.Context, db store.DBTX, key string, burst float32, every time.Duration,
) (ok bool, wait time.Duration, err error) {
	left, err := store.New().RateLimitTake(ctx, db, store.RateLimitTakeParams{
		Key: key, Burst: burst, Seconds: every.Seconds(),
	})
	if err != nil {
		return false, 0, fmt.Errorf("take a token of a rate limit: %w", err)
	}
	if left >= 0 {
		return true, 0, nil
	}
	return false, time.Duration(-float64(left) * float64(every)), nil
}

// PruneLimits deletes the buckets that are full again, and returns their number. Once a day is enough.
func PruneLimits(ctx context.Context, db store.DBTX) (int64, error) {
	return store.New().RateLimitPrune(ctx, db)
}
