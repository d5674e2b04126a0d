package policies

import (
	"fmt"
	"math"
	"slices"
	"time"

	"yunjian/cloud"
)

// interval is the values that the conditions on one number leave.
type interval struct {
	lo, hi         float64
	openLo, openHi bool
}

func everything() interval { return interval{lo: math.Inf(-1), hi: math.Inf(1)} }

func (i interval) narrow(op string, limit float64) interval {
	switch op {
	case "<":
		if limit <= i.hi {
			i.hi, i.openHi = limit, true
		}
	case "<=":
		if limit < i.hi {
			i.hi, i.openHi = limit, false
		}
	case ">":
		if limit >= i.lo {
			i.lo, i.openLo = limit, true
		}
	default:
		if limit > i.lo {
			i.lo, i.openLo = limit, false
		}
	}
	return i
}

func (i interval) empty() bool {
	return i.lo > i.hi || i.lo == i.hi && (i.openLo || i.openHi)
}

// within reports whether every value of i lies in o.
func (i interval) within(o interval) bool {
	lower := i.lo > o.lo || i.lo == o.lo && (i.openLo || !o.openLo)
	upper := i.hi < o.hi || i.hi == o.hi && (i.openHi || !o.openHi)
	return lower && upper
}

// subject identifies the number that a condition compares.
func subject(c Condition) string {
	s := fmt.Sprintf("%s/%s/%s/%g/%g/%d", c.Metric, c.Statistic, c.Last, c.ShareOfSamples, c.ShareOfDays, c.MinDays)
	for _, a := range c.And {
		s += fmt.Sprintf("+%s/%s%s%g", a.Metric, a.Statistic, a.Op, a.Limit)
	}
	return s
}

// ascending are statistics of one metric in an order in which each is at most
// the next, whatever the samples.
var ascending = [][]string{
	{"p50", "p90", "p95", "p98", "p99", "p995", "max", "peak"},
	{"mean", "max_of_day_means", "max", "peak"},
	{"mean_of_day_maxima", "max", "peak"},
	{"peak_day_p95", "peak"},
}

// contradictions reports rules that can never match, because their conditions
// exclude each other, and rules that never decide, because an earlier one
// matches whenever they do.
func (r *reader) contradictions(rules []locatedRule, window time.Duration) {
	for i, rule := range rules {
		path := fmt.Sprintf("rules[%d]", i)
		left := map[string]interval{}
		bySubject := map[string]string{}
		seen := map[string]bool{}
		for j, c := range rule.when {
			at := fmt.Sprintf("%s.when[%d]", path, j)
			text := c.Condition.Describe().EN
			if seen[text] {
				r.wrong(c.node, at, "the condition %q is given twice", text)
				continue
			}
			seen[text] = true
			if window > 0 && c.Last > window {
				r.wrong(c.node, at, "last is longer than the window")
			}
			if window > 0 && time.Duration(c.MinDays)*day > window+day {
				r.wrong(c.node, at, "rule %s can never match: the window holds fewer than %d days", rule.ID, c.MinDays)
			}
			key := subject(c.Condition)
			before, had := left[key]
			if !had {
				before = everything()
			}
			now := before.narrow(c.Op, c.Limit)
			if now.empty() && !before.empty() {
				r.wrong(c.node, at, "rule %s can never match: %q contradicts %q", rule.ID, text, bySubject[key])
			}
			left[key], bySubject[key] = now, text
		}
		r.ordered(rule, path)
		for _, earlier := range rules[:i] {
			if earlier.Kind == rule.Kind && len(earlier.when) > 0 && implies(rule, earlier) {
				r.wrong(rule.node, path, "rule %s never decides: rule %s above it matches whenever it does", rule.ID, earlier.ID)
				break
			}
		}
	}
}

// ordered reports contradictions between statistics that cannot lie the other
// way round, such as p95 above 50 with max below 20.
func (r *reader) ordered(rule locatedRule, path string) {
	for j, low := range rule.when {
		for k, high := range rule.when {
			if low.Metric == "" || low.Metric != high.Metric || low.Last != 0 || high.Last != 0 || !atMost(low.Statistic, high.Statistic) {
				continue
			}
			least := everything().narrow(low.Op, low.Limit)
			most := everything().narrow(high.Op, high.Limit)
			least.hi, least.openHi, most.lo, most.openLo = math.Inf(1), false, math.Inf(-1), false
			if least.narrow("<=", most.hi).empty() || least.lo == most.hi && (least.openLo || most.openHi) {
				at := fmt.Sprintf("%s.when[%d]", path, max(j, k))
				r.wrong(rule.when[max(j, k)].node, at, "rule %s can never match: %s is never above %s, so %q contradicts %q",
					rule.ID, low.Statistic, high.Statistic, low.Condition.Describe().EN, high.Condition.Describe().EN)
			}
		}
	}
}

func atMost(low, high string) bool {
	for _, chain := range ascending {
		i, j := slices.Index(chain, low), slices.Index(chain, high)
		if i >= 0 && i < j {
			return true
		}
	}
	return false
}

// implies reports whether every condition of b holds whenever those of a do.
func implies(a, b locatedRule) bool {
	for _, cb := range b.when {
		// Facts that hold for every resource of the kind restrict nothing.
		allowed := everything().narrow(cb.Op, cb.Limit)
		met := false
		for _, ca := range a.when {
			if subject(ca.Condition) == subject(cb.Condition) && everything().narrow(ca.Op, ca.Limit).within(allowed) {
				met = true
				break
			}
		}
		if !met && !(cb.Metric == "" && cb.Statistic != DaysOff && cb.Statistic != DaysUnattached && cb.Unit != cloud.Days && interval{lo: 0, hi: math.Inf(1)}.within(allowed)) {
			return false
		}
	}
	return true
}
