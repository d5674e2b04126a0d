package pipeline

import (
	"context"
	"errors"
	"slices"
)

// Interrupted reports whether err says that ctx has ended, and nothing else: an
// error that joins the end of ctx with another is told as it is.
func Interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && onlyCanceled(err)
}

// onlyCanceled reports whether every error that err is made of says that a
// context was canceled.
func onlyCanceled(err error) bool {
	switch e := err.(type) { //nolint:errorlint // the tree is walked by hand: errors.Is stops at the first that fits
	case nil:
		return false
	case interface{ Unwrap() []error }:
		return !slices.ContainsFunc(e.Unwrap(), func(e error) bool { return !onlyCanceled(e) })
	case interface{ Unwrap() error }:
		return onlyCanceled(e.Unwrap())
	default:
		return errors.Is(err, context.Canceled)
	}
}
