package app

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/surface"
)

func runJobsCopy(ctx context.Context, p *jobsProgram, args []string) error {
	id, err := oneJob("jobs copy", args)
	if err != nil {
		return err
	}
	changes := p.changes
	if changes == "" {
		changes = "{}"
	}
	return p.onJobs(ctx, func(conn *pgx.Conn) error {
		copied, duplicate, err := surface.Copy(ctx, conn, id, changes, p.by())
		switch {
		case err != nil:
			return err
		case p.json:
			err = json.NewEncoder(p.Stdout).Encode(struct {
				ID        int64 `json:"id"`
				Duplicate bool  `json:"duplicate"`
			}{copied, duplicate})
		case !duplicate:
			_, err = fmt.Fprintf(p.Stdout, "Job %d was enqueued, a copy of job %d.\n", copied, id)
		}
		if err == nil && duplicate {
			err = fmt.Errorf("nothing was enqueued: by the kind's unique options it would duplicate job %d", copied)
		}
		return err
	})
}
