package history

import "context"

// Progress is told how much of a job is done, in bytes. It is called for every
// piece, by one goroutine at a time, not always the caller's, and must not take
// long.
type Progress func(done, total int64)

type progressKey struct{}

// WithProgress returns a context whose jobs tell p how far they have come:
// Check, Compact, Fold and Stats here, and those that are made of them.
func WithProgress(ctx context.Context, p Progress) context.Context {
	return context.WithValue(ctx, progressKey{}, p)
}

// ProgressOf returns whom WithProgress named; nil where nobody asks.
func ProgressOf(ctx context.Context) Progress {
	p, _ := ctx.Value(progressKey{}).(Progress)
	return p
}
