package drill

import (
	"context"
	"errors"
)

func storm(ctx context.Context, s *stage) error { return errors.New("not written") }
