package drill

import (
	"context"
	"errors"
)

func restart(ctx context.Context, s *stage) error { return errors.New("not written") }
