package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"yunjian/internal/pipeline"
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
	return pipeline.Interrupted(cmd.Context(), err)
}
