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
	// application eats it, and MigrationDays for how many before: whoever moves to a
	// new machine lets the old one go later.
	ReboundDays, MigrationDays int
	// StandingDays is how long a resource must have been there for its release to be a
	// saving where nobody advised it: what comes and goes within days was not idle, it
	// was work that ended.
	StandingDays int
	Location     *time.Location // in which days are cut
}

// The standard settings, all proposed: a glitch of a listing does not last a day, who
// needs what was released asks for it again within a quarter, and two machines run
// beside each other for a month at most while one takes over.
const (
	StandardVerifyAfter   = 24 * time.Hour
	StandardReboundDays   = 90
	StandardMigrationDays = 30
	StandardStandingDays  = 30
)

// Standard are the settings with the standard periods, and without any advice.
func Standard(book price.Book, loc *time.Location) Settings {
	return Settings{Book: book, VerifyAfter: StandardVerifyAfter, ReboundDays: StandardReboundDays, MigrationDays: StandardMigrationDays, StandingDays: StandardStandingDays, Location: loc}
}

// Since is the earliest instant whose entries may be taken from by what an inventory of
// an instant shows to be new.
func (s Settings) Since(at time.Time) time.Time {
	return at.In(s.Location).AddDate(0, 0, -2*s.ReboundDays-s.MigrationDays)
}

// Advice is what somebody advised for a resource.
type Advice struct {
	Claim
	Effect Effect // which would fulfil it
}
