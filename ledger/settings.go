package ledger

import (
	"time"

	"yunjian/price"
)

// Settings is what booking stands on.
type Settings struct {
	Book price.Book
	// Claims are the advice that stands, by the resource it is for, first the one that
	// counts: of several that one observation fulfils it is credited to the first.
	Claims map[string][]Advice
	// VerifyAfter is the least time after which an observation that still holds is
	// verified.
	VerifyAfter time.Duration
	// ReboundDays is for how many days after a saving a new resource of the same
	// application eats it.
	ReboundDays int
	Location    *time.Location // in which days are cut
}

// The standard settings, both proposed: a glitch of a listing does not last a day, and
// who needs what was released asks for it again within a quarter.
const (
	StandardVerifyAfter = 24 * time.Hour
	StandardReboundDays = 90
)

// Standard are the settings with the standard periods, and without any advice.
func Standard(book price.Book, loc *time.Location) Settings {
	return Settings{Book: book, VerifyAfter: StandardVerifyAfter, ReboundDays: StandardReboundDays, Location: loc}
}

// Advice is what somebody advised for a resource.
type Advice struct {
	Claim
	Effect Effect // which would fulfil it
}
