package reader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/backlist/backlist/internal/store"
)

// Role is what an account may do in the console.
type Role string

// The roles, each including the ones before it.
const (
	RoleNone     Role = ""
	RoleViewer   Role = "viewer"   // may look
	RoleOperator Role = "operator" // may also act
)

// Reasons to refuse a change of roles.
var (
	ErrNoRole       = errors.New("the account has no role")
	ErrLastOperator = errors.New("the account is the last operator, and without one no account could act in the console")
)

// Operator is an account that has a role.
type Operator struct {
	Email   string    `json:"email"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	AddedAt time.Time `json:"added_at"` // when the account got this role
	AddedBy string    `json:"added_by"`
}

// AddOperator gives the account of an address a role and returns it. RoleNone means the role that the account has, or else
// viewer. by is who gives it. It returns pgx.ErrNoRows if no account has the address, and ErrLastOperator if the last
// operator would become a viewer.
func AddOperator(ctx context.Context, tx pgx.Tx, email string, role Role, by string) (Role, error) {
	r, others, err := lockOperators(ctx, tx, email)
	if err != nil {
		return RoleNone, err
	}
	if role == RoleNone {
		if role = r.role; role == RoleNone {
			role = RoleViewer
		}
	}
	if r.role == RoleOperator && role != RoleOperator && others == 0 {
		return RoleNone, ErrLastOperator
	}
	err = store.New().OperatorPut(ctx, tx, store.OperatorPutParams{ReaderID: r.id, Role: string(role), AddedBy: by})
	if err != nil {
		return RoleNone, fmt.Errorf("give reader %d the role %s: %w", r.id, role, err)
	}
	return role, nil
}

// RemoveOperator takes the role from the account of an address. It returns pgx.ErrNoRows if no account has the address,
// ErrNoRole if it has no role, and ErrLastOperator if it is the last operator.
func RemoveOperator(ctx context.Context, tx pgx.Tx, email string) error {
	r, others, err := lockOperators(ctx, tx, email)
	switch {
	case err != nil:
		return err
	case r.role == RoleNone:
		return ErrNoRole
	case r.role == RoleOperator && others == 0:
		return ErrLastOperator
	}
	if err := store.New().OperatorDelete(ctx, tx, r.id); err != nil {
		return fmt.Errorf("take the role from reader %d: %w", r.id, err)
	}
	return nil
}

// account is an account whose role is about to change.
type account struct {
	id   int64
	role Role
}

// lockOperators returns the account of an address and the number of other operators. No role changes until tx ends, except
// by its own changes.
func lockOperators(ctx context.Context, tx pgx.Tx, email string) (found account, others int, err error) {
	r, err := ByEmail(ctx, tx, email)
	if err != nil {
		return account{}, 0, err
	}
	found.id = r.ID
	rows, err := store.New().OperatorLock(ctx, tx)
	if err != nil {
		return account{}, 0, fmt.Errorf("lock the operators: %w", err)
	}
	for _, row := range rows {
		switch role := Role(row.Role); {
		case row.ReaderID == r.ID:
			found.role = role
		case role == RoleOperator:
			others++
		}
	}
	return found, others, nil
}

// Operators returns the accounts that have a role, operators first.
func Operators(ctx context.Context, db store.DBTX) ([]Operator, error) {
	rows, err := store.New().OperatorList(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("list the operators: %w", err)
	}
	list := make([]Operator, len(rows))
	for i, row := range rows {
		list[i] = Operator{Email: row.Email, Name: row.Name, Role: Role(row.Role), AddedAt: row.AddedAt, AddedBy: row.AddedBy}
	}
	return list, nil
}
