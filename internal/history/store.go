package history

import (
	"context"
	"errors"
	"io"
	"time"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/utilization"
)

var errTBD = errors.New("being built")

type Store struct{}

func Open(path string, o Options) (*Store, error)   { return nil, errTBD }
func (s *Store) Close() error                       { return errTBD }
func (s *Store) Append(series []cloud.Series) error { return errTBD }
func (s *Store) Points(resource string, m cloud.Metric, w cloud.Window) ([]cloud.Point, error) {
	return nil, errTBD
}
func (s *Store) Scan(ctx context.Context, q Query, visit func(resource string, u map[cloud.Metric]utilization.Summary) error) error {
	return errTBD
}
func (s *Store) Peaks(ctx context.Context, resources []string, metrics []cloud.Metric, w cloud.Window, since map[string]time.Time) (map[string]map[cloud.Metric]analyzer.Peak, error) {
	return nil, errTBD
}
func (s *Store) Gaps(ctx context.Context, resources []string, metrics []cloud.Metric, w cloud.Window, min time.Duration) ([]Gap, error) {
	return nil, errTBD
}
func (s *Store) Extent(resource string, m cloud.Metric) (first, last time.Time, n int, err error) {
	return
}
func (s *Store) Fold(ctx context.Context, now time.Time) error { return errTBD }
func (s *Store) Retain(ctx context.Context, now time.Time, raw time.Duration) error {
	return errTBD
}
func (s *Store) Compact(ctx context.Context) error                    { return errTBD }
func (s *Store) Check(ctx context.Context, report func(Damage)) error { return errTBD }
func (s *Store) Backup(w io.Writer) (int64, error)                    { return 0, errTBD }
func (s *Store) Stats() (Stats, error)                                { return Stats{}, errTBD }
