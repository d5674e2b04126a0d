package pipeline

import (
	"context"
	"fmt"

	"yunjian/internal/history"
)

// Check verifies the whole folder and reports each damaged place of the
// history. Damage to the state is an error. It may run beside everything else,
// and says how far it is to whom history.WithProgress names.
func (d *Data) Check(ctx context.Context, report func(history.Damage)) error {
	if err := d.State.Check(); err != nil {
		return fmt.Errorf("check %s: %w", StateFile, err)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("check: %w", context.Cause(ctx))
	}
	err := d.History.Check(ctx, report)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("check: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", HistoryFile, err)
	}
	return nil
}
