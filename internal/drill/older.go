package drill

import (
	"context"
	"errors"
)

func older(ctx context.Context, s *stage) error { return errors.New("not written") }
