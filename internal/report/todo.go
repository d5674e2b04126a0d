package report

import (
	"slices"
	"time"

	"yunjian/cloud"
)

// todo is one thing to do next week: how often, and in which section it stands.
type todo struct {
	code    todoCode
	count   int
	section string
}

// todoCode names one kind of work.
type todoCode string

const (
	todoScopes     todoCode = "complete_listings"
	todoPermission todoCode = "grant_permission"
	todoAct        todoCode = "act_on_ready"
	todoConfirm    todoCode = "await_confirmation"
	todoReview     todoCode = "review_risky"
	todoGrow       todoCode = "relieve_tight"
	todoPadding    todoCode = "check_padding"
	todoExpiring   todoCode = "review_expiring_exemptions"
	todoExpired    todoCode = "renew_or_drop_expired_exemptions"
	todoAgent      todoCode = "install_agent"
	todoThrottled  todoCode = "collect_again"
	todoNoData     todoCode = "investigate_no_data"
	todoOwners     todoCode = "name_owners"
	todoPrices     todoCode = "price_unpriced"
	todoPriceBook  todoCode = "replace_example_prices"
	todoHolidays   todoCode = "provide_holidays"
	todoStops      todoCode = "agree_on_stops"
)

// expiringWithin is how long before its end an exemption is brought up.
const expiringWithin = 14 * 24 * time.Hour

// plan derives next week's work from the facts: what blinds the audit first,
// then what it found, then what would sharpen it.
func plan(r Weekly, f facts) []todo {
	var out []todo
	add := func(code todoCode, n int, section string) {
		if n > 0 {
			out = append(out, todo{code, n, section})
		}
	}
	poorIn := func(classes ...cloud.Availability) int {
		n := 0
		for _, c := range f.quality.counts {
			if slices.Contains(classes, c.class) {
				n += c.resources
			}
		}
		return n
	}
	add(todoScopes, len(f.incomplete()), "collection")
	add(todoPermission, poorIn(cloud.NoPermission), "quality")

	waiting, review := 0, 0
	for _, x := range r.Audit.Recommendations {
		switch {
		case !saves(x.Action):
		case x.ToReview():
			review++
		case !x.Ready:
			waiting++
		}
	}
	add(todoAct, f.ready, "appendix")
	add(todoConfirm, waiting, "appendix")
	add(todoReview, review, "appendix")
	add(todoGrow, len(f.tight), "tight")
	add(todoPadding, len(f.padding), "padding")

	expiring := 0
	for _, x := range f.exempt {
		if x.expiryDay && x.daysLeft <= int(expiringWithin.Hours()/24) {
			expiring++
		}
	}
	expired := 0
	for _, y := range r.Pack.Exemptions {
		if y.Expires.Format(time.DateOnly) < r.Audit.AsOf.In(r.Location).Format(time.DateOnly) {
			expired++
		}
	}
	add(todoExpiring, expiring, "exempt")
	add(todoExpired, expired, "exempt")

	add(todoAgent, poorIn(cloud.NoAgent), "quality")
	add(todoThrottled, poorIn(cloud.Throttled, cloud.Failed), "quality")
	add(todoNoData, poorIn(cloud.NoData), "quality")
	add(todoOwners, f.ownerless, "departments")
	add(todoPrices, f.unpriced, "basis")
	if r.Audit.PriceBook.Example {
		add(todoPriceBook, 1, "basis")
	}
	add(todoHolidays, len(r.Audit.Calendar.MissingYears), "basis")
	return out
}
