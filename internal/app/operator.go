package app

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/backlist/backlist/internal/reader"
	"github.com/backlist/backlist/internal/surface"
)

// operatorCommands returns the commands that decide who may use the console.
func operatorCommands() []command {
	var role string
	var json bool
	return []command{
		{
			name: "operator add", args: "EMAIL", mixed: true,
			short: "let an account look at the console, or act in it: --role viewer or operator",
			flags: func(f *flag.FlagSet) {
				f.Var((*word)(&role), "role", "the `role`: viewer (may look) or operator (may also act); by default the one that the account has, or viewer")
			},
			run: func(ctx context.Context, p *program, args []string) error { return p.addOperator(ctx, args, role) },
		},
		{
			name: "operator list", short: "list the accounts that may use the console",
			flags: func(f *flag.FlagSet) { f.BoolVar(&json, "json", false, "print JSON, times in UTC") },
			run:   func(ctx context.Context, p *program, _ []string) error { return p.listOperators(ctx, json) },
		},
		{
			name: "operator remove", args: "EMAIL", short: "take an account's role, but not the last operator's",
			run: func(ctx context.Context, p *program, args []string) error { return p.removeOperator(ctx, args) },
		},
	}
}

func (p *program) addOperator(ctx context.Context, args []string, text string) error {
	if err := oneAddress("operator add", args); err != nil {
		return err
	}
	role := reader.Role(text)
	if role != reader.RoleNone && role != reader.RoleViewer && role != reader.RoleOperator {
		return usageError("%q is not a role: use --role viewer or --role operator", text)
	}
	return p.withPool(ctx, func(pool *pgxpool.Pool) error {
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
			role, err = reader.AddOperator(ctx, tx, args[0], role, whoami("backlist operator"))
			return err
		})
		switch {
		case err != nil:
			return explainRole(err, args[0])
		case role == reader.RoleViewer:
			fmt.Fprintf(p.Stdout, "%s is a viewer now, who may look at the console. With --role operator the account may also act.\n", args[0])
		default:
			fmt.Fprintf(p.Stdout, "%s is an operator now.\n", args[0])
		}
		return nil
	})
}

// explainRole makes of the reason why a role was not changed a sentence that says what to do.
func explainRole(err error, email string) error {
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("no account has the address %s: sign up on the site first", email)
	case errors.Is(err, reader.ErrNoRole):
		return fmt.Errorf("%s has no role; to see who has: backlist operator list", email)
	case errors.Is(err, reader.ErrLastOperator):
		return fmt.Errorf("%s is the last operator; add another first: backlist operator add EMAIL --role operator", email)
	}
	return err
}

func (p *program) listOperators(ctx context.Context, json bool) error {
	return p.withPool(ctx, func(pool *pgxpool.Pool) error {
		list, err := reader.Operators(ctx, pool)
		switch {
		case err != nil:
			return err
		case json:
			return p.printJSON(list)
		case len(list) == 0:
			fmt.Fprintln(p.Stdout, "No account may use the console. Sign up on the site, then: backlist operator add EMAIL --role operator")
			return nil
		}
		table := surface.Table{Columns: []string{"email", "name", "role", "added_at", "added_by"}}
		for _, o := range list {
			table.Rows = append(table.Rows, []any{o.Email, o.Name, string(o.Role), o.AddedAt, o.AddedBy})
		}
		return printTable(p.Stdout, table)
	})
}

func (p *program) removeOperator(ctx context.Context, args []string) error {
	if err := oneAddress("operator remove", args); err != nil {
		return err
	}
	return p.withPool(ctx, func(pool *pgxpool.Pool) error {
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return reader.RemoveOperator(ctx, tx, args[0]) })
		if err != nil {
			return explainRole(err, args[0])
		}
		fmt.Fprintf(p.Stdout, "%s has no role in the console any more. Its open pages close within 5 seconds.\n", args[0])
		return nil
	})
}
