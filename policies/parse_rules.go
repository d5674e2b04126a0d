package policies

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"yunjian/cloud"
)

// Verdicts that a rule may give, in the words of analyzer.Verdict.
const (
	verdictIdle       = "idle"
	verdictOver       = "overprovisioned"
	verdictUnder      = "underprovisioned"
	verdictUnattached = "unattached"
)

type locatedRule struct {
	Rule
	node *yaml.Node
	when []locatedCondition
}

type locatedCondition struct {
	Condition
	node *yaml.Node
}

func (r *reader) rules(n *yaml.Node) []locatedRule {
	var out []locatedRule
	items := r.list(n, "rules")
	if n != nil && n.Kind == yaml.SequenceNode && len(items) == 0 {
		r.wrong(n, "rules", "the list is empty: a pack without rules judges nothing")
	}
	for i, item := range items {
		path := fmt.Sprintf("rules[%d]", i)
		o, ok := r.object(item, path)
		if !ok {
			continue
		}
		l := locatedRule{node: item}
		l.ID = r.text(o.need("id"), o.at("id"))
		if l.ID != "" && !identifier.MatchString(l.ID) {
			r.wrong(o.values["id"], o.at("id"), "%q is no id: want lower-case letters, digits and single hyphens", l.ID)
		}
		if slices.ContainsFunc(out, func(e locatedRule) bool { return e.ID == l.ID && l.ID != "" }) {
			r.wrong(o.values["id"], o.at("id"), "rule %q is given twice", l.ID)
		}
		l.Name = r.bilingual(o.need("name"), o.at("name"))
		l.Note = r.bilingual(o.take("note"), o.at("note"))
		if c := o.take("confidence"); c != nil {
			l.Confidence = r.confidence(c, o.at("confidence"))
		}
		l.Kind = cloud.Kind(r.oneOf(o.need("kind"), o.at("kind"), kindNames()...))
		l.Verdict = r.oneOf(o.need("verdict"), o.at("verdict"), verdictIdle, verdictOver, verdictUnder, verdictUnattached)
		if a := o.take("action"); a != nil {
			l.Action = r.oneOf(a, o.at("action"), "release", "downsize", "upsize")
		}
		l.Dimensions = r.texts(o.take("dimensions"), o.at("dimensions"))
		if h := o.take("max_harm_percent"); h != nil {
			l.MaxHarm = r.harm(h, o.at("max_harm_percent"))
		}
		r.fitting(&o, l.Rule)
		l.when = r.conditions(o.need("when"), o.at("when"), l.Kind)
		if w := o.values["when"]; w != nil && w.Kind == yaml.SequenceNode && len(w.Content) == 0 {
			r.wrong(w, o.at("when"), "the list is empty: the rule would match every %s", l.Kind)
		}
		for _, c := range l.when {
			l.When = append(l.When, c.Condition)
		}
		o.done()
		out = append(out, l)
	}
	return out
}

func kindNames() []string {
	var out []string
	for _, k := range cloud.Kinds() {
		out = append(out, string(k))
	}
	return out
}

// fitting reports verdicts, actions and dimensions that do not go together.
func (r *reader) fitting(o *object, rule Rule) {
	actions := map[string][]string{
		verdictIdle:       {"", "release"},
		verdictUnattached: {"", "release"},
		verdictOver:       {"", "downsize"},
		verdictUnder:      {"", "upsize"},
	}
	if allowed, ok := actions[rule.Verdict]; ok && !slices.Contains(allowed, rule.Action) {
		r.wrong(o.values["action"], o.at("action"), "a resource that is %s is not to be answered with %s: want %s or no action", rule.Verdict, rule.Action, allowed[1])
	}
	if rule.Kind != "" && rule.Verdict != "" && (rule.Verdict == verdictUnattached) != (rule.Kind != cloud.Instance) {
		r.wrong(o.values["verdict"], o.at("verdict"), "verdict %s does not apply to kind %s", rule.Verdict, rule.Kind)
	}
	resizes := rule.Action == "downsize" || rule.Action == "upsize"
	dims := o.values["dimensions"]
	switch {
	case resizes && dims == nil:
		r.wrong(o.node, o.path, "missing key %q: say which of cpu, memory, storage the %s may touch", "dimensions", rule.Action)
	case resizes && dims.Kind == yaml.SequenceNode && len(dims.Content) == 0:
		r.wrong(dims, o.at("dimensions"), "the list is empty: want some of cpu, memory, storage")
	case !resizes && dims != nil:
		r.wrong(dims, o.at("dimensions"), "only a downsize or an upsize has dimensions")
	}
	if h := o.values["max_harm_percent"]; h != nil && rule.Action != "release" {
		r.wrong(h, o.at("max_harm_percent"), "only a release has a highest probability of harm; sizes keep the risk budget")
	}
	for i, d := range rule.Dimensions {
		if !slices.Contains([]string{"cpu", "memory", "storage"}, d) {
			r.wrong(dims.Content[min(i, len(dims.Content)-1)], fmt.Sprintf("%s[%d]", o.at("dimensions"), i), "unknown value %q: want one of cpu, memory, storage", d)
		}
	}
}

func (r *reader) conditions(n *yaml.Node, path string, k cloud.Kind) []locatedCondition {
	var out []locatedCondition
	for i, item := range r.list(n, path) {
		if c, ok := r.condition(item, fmt.Sprintf("%s[%d]", path, i), k, false); ok {
			out = append(out, locatedCondition{c, item})
		}
	}
	return out
}

// condition reads one comparison; nested ones stand in the and-list of a
// condition on days.
func (r *reader) condition(n *yaml.Node, path string, k cloud.Kind, nested bool) (Condition, bool) {
	o, ok := r.object(n, path)
	if !ok {
		return Condition{}, false
	}
	before := len(r.problems)
	var c Condition
	factNode := o.take("fact")
	metric := o.take("metric")
	switch {
	case factNode != nil && metric != nil:
		r.wrong(n, path, "a condition is about a fact or about a metric, not both")
		return c, false
	case factNode != nil:
		c.Statistic = r.oneOf(factNode, o.at("fact"), Facts(k)...)
		if f, known := factNamed(c.Statistic); known {
			c.Unit = f.unit
		}
	case metric != nil:
		r.metric(&o, &c, metric, k, nested)
	default:
		r.wrong(n, path, `missing key "metric" or "fact"`)
	}
	r.comparison(&o, &c)
	o.done()
	return c, len(r.problems) == before
}

func (r *reader) metric(o *object, c *Condition, n *yaml.Node, k cloud.Kind, nested bool) {
	names := make([]string, 0, 10)
	for _, m := range Metrics() {
		names = append(names, string(m))
	}
	c.Metric = cloud.Metric(r.oneOf(n, o.at("metric"), names...))
	if k != "" && k != cloud.Instance {
		r.wrong(n, o.at("metric"), "a resource of kind %s is not measured: want a fact, one of %s", k, strings.Join(Facts(k), ", "))
	}
	ids := make([]string, 0, len(statistics))
	for _, s := range statistics {
		ids = append(ids, s.ID)
	}
	at := o.at("statistic")
	c.Statistic = r.oneOf(o.need("statistic"), at, ids...)
	st, ok := statistic(c.Statistic)
	if !ok || c.Metric == "" {
		for _, key := range []string{"last", "on_samples_percent", "on_days", "and"} {
			o.take(key)
		}
		return
	}
	if !st.allows(c.Metric) {
		r.wrong(o.values["statistic"], at, "%s cannot be computed for %s", c.Statistic, c.Metric)
	}
	if nested && st.form != ofDays {
		r.wrong(o.values["statistic"], at, "want a statistic of a day (day_mean, day_max, day_volume) beside one")
	}
	c.Unit = unitOf(c.Metric, c.Statistic)
	r.extent(o, c, st, k, nested)
}

// extent reads what share of samples or days, and which part of the window, a
// condition speaks of.
func (r *reader) extent(o *object, c *Condition, st Statistic, k cloud.Kind, nested bool) {
	last := o.take("last")
	if last != nil && c.Statistic != "max" {
		r.wrong(last, o.at("last"), "only the statistic max can be narrowed to the end of the window")
	}
	c.Last = r.duration(last, o.at("last"), day, 400*day)

	samples := o.take("on_samples_percent")
	switch {
	case st.form == ofSamples && samples == nil:
		r.wrong(o.node, o.path, "missing key %q: the share of samples for which the comparison must hold", "on_samples_percent")
	case st.form != ofSamples && samples != nil:
		r.wrong(samples, o.at("on_samples_percent"), "only the statistic sample has a share of samples")
	}
	c.ShareOfSamples = r.positiveShare(samples, o.at("on_samples_percent"))

	days, and := o.take("on_days"), o.take("and")
	switch {
	case nested:
		if days != nil || and != nil {
			r.wrong(o.node, o.path, "the days are counted by the condition that holds this one: leave on_days and and out")
		}
		return
	case st.form == ofDays && days == nil:
		r.wrong(o.node, o.path, "missing key %q: on how many days (4) or on what share of them (90%%) the comparison must hold", "on_days")
	case st.form != ofDays && days != nil:
		r.wrong(days, o.at("on_days"), "%s is not a statistic of a day", c.Statistic)
	case st.form != ofDays && and != nil:
		r.wrong(and, o.at("and"), "%s is not a statistic of a day", c.Statistic)
	case days != nil && strings.HasSuffix(days.Value, "%"):
		share := *days
		share.Value = strings.TrimSuffix(days.Value, "%")
		c.ShareOfDays = r.positiveShare(&share, o.at("on_days"))
	case days != nil:
		c.MinDays = r.integer(days, o.at("on_days"), 1, 400)
	}
	for i, item := range r.list(and, o.at("and")) {
		if a, ok := r.condition(item, fmt.Sprintf("%s[%d]", o.at("and"), i), k, true); ok {
			c.And = append(c.And, a)
		}
	}
}

// positiveShare reads a percentage above 0 as a share of 1.
func (r *reader) positiveShare(n *yaml.Node, path string) float64 {
	v, ok := r.number(n, path, 0, 100)
	if ok && v == 0 {
		r.wrong(n, path, "0 asks for nothing: want more than 0")
	}
	return v / 100
}

func unitOf(m cloud.Metric, statistic string) cloud.Unit {
	switch {
	case statistic == "day_volume":
		return cloud.BytesPerDay
	case m == CPUCores:
		return cloud.Cores
	case m == NetworkBPS:
		return cloud.BitsPerSecond
	case m == DiskBPS:
		return cloud.BytesPerSec
	default:
		return m.Unit()
	}
}

// comparison reads the one operator of a condition and its limit.
func (r *reader) comparison(o *object, c *Condition) {
	var keys []string
	for _, cmp := range comparisons {
		keys = append(keys, cmp.key)
		n := o.take(cmp.key)
		if n == nil {
			continue
		}
		if c.Op != "" {
			r.wrong(n, o.at(cmp.key), "a condition compares once: write a second condition")
			continue
		}
		c.Op = cmp.op
		if c.Unit == "" { // what is compared was wrong already
			continue
		}
		c.Limit = r.limit(n, o.at(cmp.key), c)
	}
	is := o.take("is")
	switch {
	case is != nil && c.Statistic != Prepaid:
		r.wrong(is, o.at("is"), "only the fact prepaid is true or false")
	case is != nil && c.Op != "":
		r.wrong(is, o.at("is"), "a condition compares once: write a second condition")
	case is != nil:
		c.Op, c.Limit = "<=", 0
		if r.oneOf(is, o.at("is"), "true", "false") == "true" {
			c.Op, c.Limit = ">=", 1
		}
	case c.Op == "":
		r.wrong(o.node, o.path, "missing a comparison: want one of %s", strings.Join(keys, ", "))
	}
}

// limit reads a limit in the unit of its condition, and refuses one that all or
// no values meet.
func (r *reader) limit(n *yaml.Node, path string, c *Condition) float64 {
	var v float64
	before := len(r.problems)
	switch c.Unit {
	case cloud.Days:
		v = r.duration(n, path, 0, 3650*day).Hours() / 24
	case cloud.BytesPerDay:
		v = r.volume(n, path)
	case cloud.Percent:
		hi := 100.0
		if c.Statistic == "in_180d" {
			hi = 1000 // a trend may leave the scale
		}
		v, _ = r.number(n, path, 0, hi)
	default:
		v, _ = r.number(n, path, 0, 1e18)
	}
	if len(r.problems) > before {
		return v
	}
	if v == 0 && c.Op == "<" {
		r.wrong(n, path, "nothing is below 0: the condition can never hold")
	}
	if c.Unit == cloud.Percent && v == 100 && c.Op == ">" && c.Statistic != "in_180d" {
		r.wrong(n, path, "nothing is above 100: the condition can never hold")
	}
	return v
}
