package work

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/db"
)

//go:embed sql/come_due.sql
var comeDueSQL string

// dueBatch is how many jobs come due in one statement.
const dueBatch = 1000

// comeDue makes jobs available that were put off until now: retries, snoozes, and what was enqueued for later. River's
// leader does the same every 5 s, once there is one, which takes up to 20 s after an outage; and a retry that waits for it
// keeps its duplicate, a reader's next run say, waiting too.
// There may be more of them than it takes at once.
func (m *maintenance) comeDue(ctx context.Context) (more bool, err error) {
	ctx, cancel := patiently(ctx)
	defer cancel()
	var moved, discarded int
	if err := m.db.QueryRow(ctx, db.Statement(comeDueSQL, m.schema), pgx.NamedArgs{"most": dueBatch}).Scan(&moved, &discarded); err != nil {
		return false, err
	}
	if discarded > 0 {
		m.log.InfoContext(ctx, "jobs came due whose duplicate is unfinished: they are discarded", "jobs", discarded)
	}
	return moved == dueBatch, nil
}
