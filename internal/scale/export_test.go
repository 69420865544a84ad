package scale

import (
	"context"
	"time"
)

// Look makes one decision, as Run does again and again.
func (l *Loop) Look(ctx context.Context) (time.Duration, error) { return l.look(ctx) }
