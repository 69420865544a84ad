package bench

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// SurfaceSize is the number of jobs in the database, by state.
type SurfaceSize struct {
	Finished int `json:"finished"`
	Waiting  int `json:"waiting"`
	Failed   int `json:"failed"`
}

//go:embed sql/surface_fill.sql
var surfaceFillSQL string

// The numbers of attempts and requests that are kept, or a little less, so that none is deleted meanwhile.
const (
	attemptsKept = 450_000
	requestsKept = 90_000
)

// keptOfEach returns n, where one in n is kept.
func keptOfEach(all, kept int) int { return 1 + all/kept }

// FillSurface fills a migrated database.
func FillSurface(ctx context.Context, pool *pgxpool.Pool, size SurfaceSize) error {
	size.Finished = max(size.Finished, 1)
	sql := strings.NewReplacer(":finished", strconv.Itoa(size.Finished), ":waiting", strconv.Itoa(size.Waiting), ":failed", strconv.Itoa(size.Failed),
		":attempts", strconv.Itoa(keptOfEach(size.Finished, attemptsKept)), ":requests", strconv.Itoa(keptOfEach(size.Finished, requestsKept))).
		Replace(surfaceFillSQL)
	for part := range strings.SplitSeq(strings.TrimSpace(sql), ";\n") {
		if _, err := pool.Exec(ctx, part); err != nil {
			return fmt.Errorf("fill the tables: %w", err)
		}
	}
	if _, err := pool.Exec(ctx, "vacuum analyze"); err != nil {
		return fmt.Errorf("vacuum: %w", err)
	}
	return nil
}
