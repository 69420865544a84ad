package drill

import (
	"context"
	"errors"
)

func clock(ctx context.Context, s *stage) error { return errors.New("not written") }
