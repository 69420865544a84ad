package work

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
)

//go:embed sql/come_due.sql
var comeDueSQL string

// dueBatch is how many jobs one statement makes available.
const dueBatch = 1000

// comeDue makes jobs available whose time has come: retries, snoozes, and jobs enqueued for later. River's leader does the
// same, but only every 5 s, and after an outage there may be no leader for 20 s; a retry that waits for it keeps its
// duplicate (a reader's next run, say) waiting too. more reports whether the batch was full.
func (m *maintenance) comeDue(ctx context.Context) (more bool, err error) {
	ctx, cancel := uninterrupted(ctx)
	defer cancel()
	var moved, discarded int
	if err := m.db.QueryRow(ctx, db.Statement(comeDueSQL, m.schema), pgx.NamedArgs{"most": dueBatch}).Scan(&moved, &discarded); err != nil {
		return false, err
	}
	if discarded > 0 {
		m.log.InfoContext(ctx, "jobs that came due were discarded: each has an unfinished duplicate", "jobs", discarded)
	}
	return moved == dueBatch, nil
}
