package pipeline

import (
	"context"
	"fmt"

	"yunjian/internal/history"
)

// Check verifies the whole folder and reports each damaged place of the
// history, and what once was damaged of the state. Damage to the state is an error. It may run beside everything else,
// and says how far it is to whom history.WithProgress names.
func (d *Data) Check(ctx context.Context, report func(history.Damage)) error {
	err := d.State.Check(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("check: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", StateFile, err)
	}
	hurt, err := d.State.Hurt()
	if err != nil {
		return fmt.Errorf("check %s: %w", StateFile, err)
	}
	for _, problem := range hurt {
		report(history.Damage{State: true, Problem: problem, Aside: true})
	}
	err = d.History.Check(ctx, report)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("check: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("check %s: %w", HistoryFile, err)
	}
	return nil
}
