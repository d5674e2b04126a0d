package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// interrupted words the end of work that a signal has stopped: zh and en say
// what state things are in. An error of another kind is returned as it is, and
// so is one that joins the signal with another: what zh and en say might not
// hold then.
func interrupted(cmd *cobra.Command, err error, zh, en string) error {
	if !stopped(cmd, err) {
		return err
	}
	return fmt.Errorf("%s 已中断：%s | interrupted: %s", strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "), zh, en)
}

// stopped reports whether err says that a signal has stopped the command, and
// nothing else.
func stopped(cmd *cobra.Command, err error) bool {
	return cmd.Context().Err() != nil && onlyCanceled(err)
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
