package report

import (
	"yunjian/analyzer"
	"yunjian/recommender"
)

// changes is what is different from the previous audit. A recommendation is
// the same when resource and action are, even where the policy changed between.
type changes struct {
	first        bool // nothing to compare with
	otherPolicy  bool // the previous audit stood on another policy text
	otherPrices  bool // or on another price book
	fresh, again []recommender.Recommendation
	gone         []gone
}

// gone is a recommendation of the previous audit that this one does not make.
type gone struct {
	recommender.Recommendation
	why     goneWhy
	verdict analyzer.Verdict // of now, where it was judged
}

// goneWhy says why a recommendation is no longer made. What vanished proves
// nothing by itself: a listing that broke off hides resources too.
type goneWhy string

const (
	goneJudged   goneWhy = "judged_otherwise" // judged again, with another answer
	goneReplaced goneWhy = "replaced"         // another action is proposed now
	goneUnlisted goneWhy = "unlisted"         // absent from listings that were read to the end
	goneUnread   goneWhy = "unread"           // absent, but its cloud was not read to the end
)

func compare(r Weekly, f facts) changes {
	if r.Previous == nil {
		var c changes
		c.first = true
		for _, x := range r.Audit.Recommendations {
			if saves(x.Action) {
				c.fresh = append(c.fresh, x)
			}
		}
		return c
	}
	type key struct {
		resource string
		action   recommender.Action
	}
	c := changes{
		otherPolicy: r.Previous.Policy.SHA256 != r.Audit.Policy.SHA256,
		otherPrices: r.Previous.PriceBook != r.Audit.PriceBook,
	}
	before, now := map[key]bool{}, map[key]bool{}
	for _, x := range r.Previous.Recommendations {
		before[key{x.ResourceID, x.Action}] = true
	}
	for _, x := range r.Audit.Recommendations {
		k := key{x.ResourceID, x.Action}
		now[k] = true
		switch {
		case !saves(x.Action):
		case before[k]:
			c.again = append(c.again, x)
		default:
			c.fresh = append(c.fresh, x)
		}
	}
	for _, x := range r.Previous.Recommendations {
		if saves(x.Action) && !now[key{x.ResourceID, x.Action}] {
			c.gone = append(c.gone, f.explainGone(x))
		}
	}
	return c
}

func (f facts) explainGone(x recommender.Recommendation) gone {
	g := gone{Recommendation: x, why: goneUnlisted}
	if found, ok := f.findings[x.ResourceID]; ok {
		g.why, g.verdict = goneJudged, found.Verdict
		if _, ok := f.advice[x.ResourceID]; ok {
			g.why = goneReplaced
		}
		return g
	}
	read := false
	for _, s := range f.scopes {
		if s.Kind != x.Kind {
			continue
		}
		if !s.Complete {
			g.why = goneUnread
			return g
		}
		read = true
	}
	if !read {
		g.why = goneUnread
	}
	return g
}
