package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"yunjian/analyzer"
	"yunjian/cloud"
)

// LowCoverage is the class of series that were read but hold fewer samples
// than the policy asks for. The other classes of poor data are the
// cloud.Availability values.
const LowCoverage cloud.Availability = "low_coverage"

// classes are the kinds of poor data in the order in which they are shown:
// first what somebody can mend.
func classes() []cloud.Availability {
	return []cloud.Availability{
		cloud.NoPermission, cloud.NoAgent, cloud.Throttled, cloud.Failed,
		cloud.NoData, LowCoverage, cloud.Stopped, cloud.NotOffered,
	}
}

// quality is what is not known, and why.
type quality struct {
	counts []qualityCount
	list   []poor
	// coverage is the mean over judged machines of the least coverage that
	// their verdicts rest on.
	coverage *float64
}

// qualityCount is how much one class touches.
type qualityCount struct {
	class     cloud.Availability
	resources int
	series    int // metrics of resources
}

// poor is one resource (or, for what a cloud does not offer at all, many) with
// metrics of one class.
type poor struct {
	class     cloud.Availability
	resource  string // empty: several
	resources int
	cloud     string
	metrics   []cloud.Metric
	coverage  *float64 // of the metric with the least, for LowCoverage
	detail    string
}

// assess sorts every metric of every resource that is not fully known into its
// class.
func assess(r Weekly, f facts) quality {
	perClass := map[cloud.Availability]map[string]*poor{}
	offered := map[string]*poor{} // NotOffered by cloud and metric
	for _, x := range r.Audit.Findings {
		from := f.resources[x.ResourceID].Cloud
		for _, m := range cloud.Metrics() {
			if m.Optional() {
				continue // nobody misses it
			}
			a, detail, coverage := state(r, x, m)
			switch a {
			case "", cloud.Observed:
				continue
			case cloud.NotOffered:
				k := from + "\x00" + string(m)
				if offered[k] == nil {
					offered[k] = &poor{class: a, cloud: from, metrics: []cloud.Metric{m}, detail: detail}
				}
				offered[k].resources++
				continue
			}
			if perClass[a] == nil {
				perClass[a] = map[string]*poor{}
			}
			p := perClass[a][x.ResourceID]
			if p == nil {
				p = &poor{class: a, resource: x.ResourceID, resources: 1, cloud: from}
				perClass[a][x.ResourceID] = p
			}
			p.metrics = append(p.metrics, m)
			if detail != "" && !strings.Contains(p.detail, detail) {
				p.detail = strings.TrimPrefix(p.detail+"; "+detail, "; ")
			}
			if coverage != nil && (p.coverage == nil || *coverage < *p.coverage) {
				p.coverage = coverage
			}
		}
	}
	q := quality{coverage: meanCoverage(r.Audit.Findings)}
	for _, class := range append(classes(), unlisted(perClass)...) {
		n := qualityCount{class: class}
		byID := perClass[class]
		for _, id := range slices.Sorted(maps.Keys(byID)) {
			q.list = append(q.list, *byID[id])
			n.resources++
			n.series += len(byID[id].metrics)
		}
		if class == cloud.NotOffered {
			seen := map[string]int{}
			for _, k := range slices.Sorted(maps.Keys(offered)) {
				p := offered[k]
				q.list = append(q.list, *p)
				n.series += p.resources
				seen[p.cloud] = max(seen[p.cloud], p.resources)
			}
			for _, c := range seen {
				n.resources += c
			}
		}
		if n.series > 0 {
			q.counts = append(q.counts, n)
		}
	}
	return q
}

// unlisted are classes that classes() does not name, so that a new way of not
// knowing is shown rather than lost.
func unlisted(perClass map[cloud.Availability]map[string]*poor) []cloud.Availability {
	var out []cloud.Availability
	for a := range perClass {
		if !slices.Contains(classes(), a) {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return out
}

// state says how well one metric of one resource is known: empty where nobody
// asked for it.
func state(r Weekly, x analyzer.Finding, m cloud.Metric) (a cloud.Availability, detail string, coverage *float64) {
	o, asked := r.Observations[x.ResourceID][m]
	e := evidence(x, m)
	a = o.Availability
	if !asked {
		a = e.Availability
	}
	if a == cloud.Observed && e.Availability == cloud.Observed && e.Expected > 0 {
		c := min(1, float64(e.Samples)/float64(e.Expected))
		if c < r.Pack.MinCoverage {
			return LowCoverage, clean(o.Detail), &c
		}
	}
	return a, clean(o.Detail), nil
}

func meanCoverage(findings []analyzer.Finding) *float64 {
	var sum float64
	n := 0
	for _, x := range findings {
		if c, ok := coverageOf(x); ok && x.Kind == cloud.Instance && x.Verdict != analyzer.InsufficientData {
			sum += c
			n++
		}
	}
	if n == 0 {
		return nil
	}
	mean := sum / float64(n)
	return &mean
}

// poorTable lists the metrics that are not fully known, by resource.
func (b builder) poorTable() table {
	p := b.p
	list := table{id: "quality-list", title: p.say(msgQualityList), textRows: 20, pageRows: 500, columns: []column{
		{title: p.say(msgResource), width: 30, in: everywhere},
		{title: p.say(msgDepartment), width: 16, in: everywhere, fold: true},
		{title: p.say(msgClass), width: 16, in: everywhere},
		{title: p.say(msgMetrics), width: 20, in: everywhere, fold: true},
		{title: p.say(msgLowestCoverage), kind: percent1, in: everywhere},
		{title: p.say(msgDetail), width: 22, in: everywhere, wrap: true},
	}}
	for _, x := range b.f.quality.list {
		who, dept := b.resource(x.resource, ""), text(b.departmentName(b.f.department(x.resource)))
		if x.resource == "" {
			who, dept = text(p.say(msgResourcesOf, x.resources, clean(x.cloud))), text("—").toned(mute)
		}
		var metrics []string
		for _, m := range x.metrics {
			metrics = append(metrics, name(p, metricNames, m))
		}
		coverage := p.unknown()
		if x.coverage != nil {
			c := 100 * *x.coverage
			coverage = p.percentCell(&c)
		}
		list.rows = append(list.rows, []cell{
			who, dept, text(name(p, classNames, x.class)), text(p.join(metrics)), coverage, orDash(b.detailOf(x)),
		})
	}
	return list
}

// undecidedTable lists the resources that the overview counts as insufficient
// data, and why they are.
func (b builder) undecidedTable() table {
	p := b.p
	t := table{id: "quality-undecided", empty: p.say(msgNoneUndecided), textRows: 20, pageRows: 500, columns: []column{
		{title: p.say(msgResource), width: 30, in: everywhere},
		{title: p.say(msgDepartment), width: 16, in: everywhere, fold: true},
		{title: p.say(msgKind), in: everywhere},
		{title: p.say(msgWhy), width: 42, in: everywhere, wrap: true},
	}}
	for _, x := range b.r.Audit.Findings {
		if x.Verdict == analyzer.InsufficientData {
			t.rows = append(t.rows, []cell{
				b.resource(x.ResourceID, ""), text(b.departmentName(b.f.department(x.ResourceID))), text(name(p, kindNames, x.Kind)),
				orDash(p.of(x.Kind).reasons(x.Reasons)),
			})
		}
	}
	t.title = p.say(msgUndecided, len(t.rows))
	return t
}

// trouble says what went wrong while reading and what to do about it. What the
// source said stands beside it in Chinese, too: it is what its support knows.
func (b builder) trouble(class cloud.Availability, code, said string) string {
	p := b.p
	// A source that gives advice of its own gives it in both languages.
	said, advice, _ := strings.Cut(clean(said), " → ")
	zh, en, both := strings.Cut(advice, " | ")
	if p.lang == EN {
		if both {
			advice = en
		}
		return strings.TrimSuffix(said+" → "+advice, " → ")
	}
	if advice = zh; advice == "" {
		m, ok := codeAdvice[code]
		if !ok {
			m, ok = classAdvice[class]
		}
		if ok {
			advice = p.say(m)
		}
	}
	switch {
	case advice == "" || strings.ContainsFunc(said, func(r rune) bool { return unicode.Is(unicode.Han, r) }):
		return strings.TrimSuffix(said+" → "+zh, " → ")
	case said == "":
		return advice
	}
	return advice + p.say(msgParenthesis, p.say(msgSaid, said))
}

// detailOf is what is known of why one resource is in a class of poor data.
func (b builder) detailOf(x poor) string {
	switch {
	case strings.HasPrefix(x.detail, "no column "):
		return b.p.say(msgNoColumn)
	case x.detail == "no sample file":
		return b.p.say(msgNoFile)
	}
	return b.trouble("", "", x.detail)
}

// incomplete are the listings that broke off, in order.
func (f facts) incomplete() []scope {
	var out []scope
	for _, s := range f.scopes {
		if !s.Complete {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b scope) int {
		return cmp.Or(cmp.Compare(a.cloud, b.cloud), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return out
}
