package journal

import "context"

// Who acts.
type Who struct {
	Actor   string // account id, `system`, or `cli:USERNAME`
	Role    string
	Address string // that a request came from
}

// System is who acts on schedule.
var System = Who{Actor: "system"}

// CLI is who calls the command line under a name of the operating system.
func CLI(username string) Who { return Who{Actor: "cli:" + username} }

type whoKey struct{}

// As returns a context in which who acts.
func As(ctx context.Context, who Who) context.Context { return context.WithValue(ctx, whoKey{}, who) }

// WhoOf returns who acts in ctx: System, if nobody was named.
func WhoOf(ctx context.Context) Who {
	if who, ok := ctx.Value(whoKey{}).(Who); ok {
		return who
	}
	return System
}
