package bench

import (
	"context"
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// scannedMost is how many rows of a table a panel may read in sequence. Small tables are best read so.
const scannedMost = 100_000

// PanelPlan is how Postgres answers the statement of a panel.
type PanelPlan struct {
	ID      string   `json:"id"`
	SQL     string   `json:"sql"`
	Took    float64  `json:"ms"`                // planning and execution, when its rows are in the cache
	Scanned []string `json:"scanned,omitempty"` // tables of which it read more than scannedMost rows in sequence
	Plan    string   `json:"plan"`
}

var (
	statementText = regexp.MustCompile(`(?s)id="sql-text"[^>]*>(.*?)</pre>`)
	planTime      = regexp.MustCompile(`(?m)^(?:Planning|Execution) Time: ([\d.]+) ms`)
	parallelScan  = regexp.MustCompile(`Parallel Seq Scan on (\S+)`)
)

// panels explains the statement of each panel of a page, as the page shows it, the slowest first.
func (o *operator) panels(ctx context.Context, pool *pgxpool.Pool, page document) (list []PanelPlan, err error) {
	for _, match := range panelStatement.FindAllStringSubmatch(page.text, -1) {
		address := html.UnescapeString(match[1])
		shown, err := o.get(ctx, address)
		if err != nil {
			return nil, err
		}
		text := statementText.FindStringSubmatch(shown.text)
		if text == nil {
			return nil, fmt.Errorf("%s shows no statement", address)
		}
		_, id, _ := strings.Cut(address, "sql=")
		id, _, _ = strings.Cut(id, "&")
		sql := html.UnescapeString(text[1])
		plan, err := planOf(ctx, pool, sql)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		plan.ID, plan.SQL = id, sql
		list = append(list, plan)
	}
	slices.SortStableFunc(list, func(a, b PanelPlan) int { return int(1000 * (b.Took - a.Took)) })
	return list, nil
}

// planOf runs a statement twice, first to fill the cache. The statistics of its transaction count what functions read, too.
func planOf(ctx context.Context, pool *pgxpool.Pool, sql string) (p PanelPlan, err error) {
	for range 2 {
		err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, "explain (analyze, buffers, costs off) "+sql, pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				return err
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return err
			}
			p = PanelPlan{Plan: strings.Join(lines, "\n")}
			rows, err = tx.Query(ctx, "select schemaname || '.' || relname from pg_stat_xact_user_tables where seq_tup_read > $1 order by 1", scannedMost)
			if err != nil {
				return err
			}
			p.Scanned, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		if err != nil {
			return p, err
		}
	}
	for _, match := range planTime.FindAllStringSubmatch(p.Plan, -1) {
		ms, err := strconv.ParseFloat(match[1], 64)
		if err != nil {
			return p, err
		}
		p.Took += ms
	}
	for _, match := range parallelScan.FindAllStringSubmatch(p.Plan, -1) { // parallel workers count for themselves
		if !slices.Contains(p.Scanned, match[1]) {
			p.Scanned = append(p.Scanned, match[1])
		}
	}
	return p, nil
}
