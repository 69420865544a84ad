package seed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// unindexed drops the indexes and constraints of tables while fill fills them, because each row would otherwise pay for a check
// of every reference and a place in every index. It keeps the keys that other tables refer to. Triggers rest too.
func unindexed(ctx context.Context, tx pgx.Tx, tables []string, step Step, fill func() error) error {
	rows, err := tx.Query(ctx, `
		select format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname),
		       format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
		from pg_constraint c
		where c.conrelid = any ($1::regclass[]) and c.contype in ('p', 'u', 'f')
		  and not exists (select from pg_constraint f where f.contype = 'f' and f.conindid = c.conindid and f.confrelid = c.conrelid)
		union all
		select format('drop index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
		from pg_index i
		where i.indrelid = any ($1::regclass[]) and not exists (select from pg_constraint c where c.conindid = i.indexrelid)
		order by 2`, tables) // "add constraint … foreign key" comes after the keys of the same table; other tables' keys stay
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	type index struct{ Drop, Create string }
	indexes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	for _, i := range indexes {
		if _, err := tx.Exec(ctx, i.Drop); err != nil {
			return fmt.Errorf("drop an index: %w", err)
		}
	}
	if err := triggers(ctx, tx, tables, "disable"); err != nil {
		return err
	}
	if err := fill(); err != nil {
		return err
	}
	if err := triggers(ctx, tx, tables, "enable"); err != nil {
		return err
	}
	for n, i := range indexes {
		step("indexes", n, len(indexes))
		if _, err := tx.Exec(ctx, i.Create); err != nil {
			return fmt.Errorf("restore an index: %w", err)
		}
	}
	step("indexes", len(indexes), len(indexes))
	return nil
}

// triggers enables or disables the triggers of tables.
func triggers(ctx context.Context, tx pgx.Tx, tables []string, verb string) error {
	for _, table := range tables {
		if _, err := tx.Exec(ctx, "alter table "+table+" "+verb+" trigger user"); err != nil {
			return fmt.Errorf("%s the triggers of %s: %w", verb, table, err)
		}
	}
	return nil
}
