package pipeline

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// share is a part's share of the results of a batch: those of its own queries.
type share struct {
	pgx.BatchResults
	unread []*pgx.QueuedQuery
}

var errNoMore = errors.New("there are no more results in the batch")

// take counts one result as read.
func (s *share) take() error {
	if len(s.unread) == 0 {
		return errNoMore
	}
	s.unread = s.unread[1:]
	return nil
}

func (s *share) Exec() (pgconn.CommandTag, error) {
	if err := s.take(); err != nil {
		return pgconn.CommandTag{}, err
	}
	return s.BatchResults.Exec()
}

func (s *share) Query() (pgx.Rows, error) {
	if err := s.take(); err != nil {
		return pgx.FailedBatchResults(&pgx.Batch{}, err).Query()
	}
	return s.BatchResults.Query()
}

func (s *share) QueryRow() pgx.Row {
	if err := s.take(); err != nil {
		return pgx.FailedBatchResults(&pgx.Batch{}, err).QueryRow()
	}
	return s.BatchResults.QueryRow()
}

// Close reads the results that are left, as that of a connection does.
func (s *share) Close() error {
	for len(s.unread) > 0 {
		var err error
		if fn := s.unread[0].Fn; fn != nil {
			err = fn(s)
		} else {
			_, err = s.Exec()
		}
		if err != nil {
			s.unread = nil
			return err
		}
	}
	return nil
}

// Tx returns nil: the batch of a part begins no transaction.
func (s *share) Tx() pgx.Tx { return nil }
