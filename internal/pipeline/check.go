package pipeline

import (
	"context"
	"fmt"

	"yunjian/internal/history"
)

// Check verifies the whole folder and reports each damaged place of the
// history. Damage to the state is an error. It may run beside everything else.
func (d *Data) Check(ctx context.Context, report func(history.Damage)) error {
	if err := d.State.Check(); err != nil {
		return fmt.Errorf("check %s: %w", StateFile, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("check: %w", context.Cause(ctx))
	}
	if err := d.History.Check(ctx, report); err != nil {
		return fmt.Errorf("check %s: %w", HistoryFile, err)
	}
	return nil
}
