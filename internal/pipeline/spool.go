package pipeline

import (
	"fmt"
	"time"

	"yunjian/collector"
)

// What is held back before it is stored: a steady cycle of a province is one
// transaction, and a backfill commits often enough that a crash costs seconds
// of reading, not minutes.
const (
	spoolPoints = 300_000
	spoolTime   = 2 * time.Second
)

// spool gathers what a source delivers and stores it a transaction at a time:
// committing costs the same whether it holds fifty samples or a fleet's.
type spool struct {
	data   *Data
	cloud  string
	held   collector.Batch
	points int
	since  time.Time // of the oldest thing held
}

// add takes a batch and stores what is held once it is much or old.
func (s *spool) add(b collector.Batch) error {
	if len(s.held.Observations) == 0 && s.points == 0 {
		s.since = time.Now()
	}
	for _, x := range b.Series {
		if len(x.Points) > 0 {
			s.held.Series = append(s.held.Series, x)
			s.points += len(x.Points)
		}
	}
	s.held.Observations = append(s.held.Observations, b.Observations...)
	if s.points < spoolPoints && time.Since(s.since) < spoolTime {
		return nil
	}
	return s.flush()
}

// flush stores what is held: samples before the marks that say they were read.
// A crash in between costs a second reading, the other order would cost
// samples.
func (s *spool) flush() error {
	held := s.held
	s.held, s.points = collector.Batch{}, 0
	if err := s.data.History.Append(held.Series); err != nil {
		return fmt.Errorf("store samples: %w", err)
	}
	if err := s.data.State.PutObservations(s.cloud, held.Observations); err != nil {
		return fmt.Errorf("store what was read: %w", err)
	}
	return nil
}
