package policies

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"yunjian/cloud"
)

const day = 24 * time.Hour

var identifier = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Parse reads a policy pack. name is for messages. The error, if any, is an
// *Error with every mistake, each with file, line and column. A pack whose
// parameters are not yet entered is read without error: see Pack.Usable.
func Parse(name string, text []byte) (Pack, error) {
	p, problems := parse(name, text)
	if len(problems) > 0 {
		return Pack{}, &Error{Problems: problems}
	}
	return p, nil
}

// Check returns everything wrong with a pack or an exemption file, in the order
// of the file, and the numbers still to be entered (Incomplete).
func Check(name string, text []byte) []Problem {
	if IsExemptions(text) {
		_, problems := parseExemptions(name, text)
		return problems
	}
	p, problems := parse(name, text)
	if len(problems) > 0 {
		return problems
	}
	for _, q := range p.Unset() {
		problems = append(problems, Problem{File: name, Path: "parameters." + q.ID, Message: unsetMessage(q), Incomplete: true})
	}
	return problems
}

func parse(name string, text []byte) (Pack, []Problem) {
	r := &reader{file: name}
	o, ok := r.document(text)
	if !ok {
		return Pack{}, r.problems
	}
	p := Pack{SHA256: checksum(text)}
	if n := o.need("id"); n != nil {
		if p.ID = r.text(n, "id"); p.ID != "" && !identifier.MatchString(p.ID) {
			r.wrong(n, "id", "%q is no id: want lower-case letters, digits and single hyphens", p.ID)
		}
	}
	p.Version = r.text(o.need("version"), "version")
	p.Name = r.bilingual(o.need("name"), "name")
	p.EffectiveFrom = r.date(o.take("effective_from"), "effective_from")
	p.Confidence = r.confidence(o.need("confidence"), "confidence")
	p.Source = r.source(o.need("source"), "source")
	p.Note = r.bilingual(o.take("note"), "note")

	p.Window = r.duration(o.need("window"), "window", day, 400*day)
	coverage := o.need("min_coverage_percent")
	p.MinCoverage = r.percent(coverage, "min_coverage_percent")
	if v, ok := (&reader{}).number(coverage, "", 0, 0); ok && v == 0 {
		r.wrong(coverage, "min_coverage_percent", "0 would judge resources of which nothing is known: want more than 0")
	}
	p.MinHistory = r.duration(o.take("min_history"), "min_history", day, 400*day)
	if p.MinHistory == 0 {
		p.MinHistory = time.Duration(float64(p.Window) * p.MinCoverage)
	} else if p.Window > 0 && p.MinHistory > p.Window {
		r.wrong(o.values["min_history"], "min_history", "longer than window: no resource could ever be judged")
	}
	p.MinAge = r.duration(o.take("min_age"), "min_age", 0, 3650*day)
	p.ConfirmRuns = 1
	if n := o.take("confirm_runs"); n != nil {
		p.ConfirmRuns = r.integer(n, "confirm_runs", 1, 52)
	}

	p.Parameters = r.parameters(o.take("parameters"))
	p.Allowance = r.allowance(o.take("allowance"), p.Parameters)
	p.Deadlines = r.deadlines(o.take("deadlines"))
	rules := r.rules(o.need("rules"))
	for _, l := range rules {
		p.Rules = append(p.Rules, l.Rule)
	}
	r.contradictions(rules, p.Window)
	sizing := o.take("sizing")
	p.Sizing = r.sizing(sizing)
	if i := slices.IndexFunc(rules, func(l locatedRule) bool { return l.Action == "downsize" || l.Action == "upsize" }); i >= 0 && sizing == nil {
		r.wrong(rules[i].node, fmt.Sprintf("rules[%d].action", i), "%s needs a target size: the pack has no section sizing", rules[i].Action)
	}
	p.Risk = r.risk(o.take("risk"))
	p.Padding = r.padding(o.take("padding"))
	p.Schedule = r.schedule(o.take("schedule"))
	o.done()
	return p, r.sorted()
}

func (r *reader) confidence(n *yaml.Node, path string) Confidence {
	return Confidence(r.oneOf(n, path, string(Cited), string(Practice), string(Proposed)))
}

func (r *reader) source(n *yaml.Node, path string) Source {
	if n == nil {
		return Source{}
	}
	o, ok := r.object(n, path)
	if !ok {
		return Source{}
	}
	s := Source{
		Title:  r.text(o.need("title"), o.at("title")),
		Issuer: r.text(o.take("issuer"), o.at("issuer")),
		DocNo:  r.text(o.take("doc_no"), o.at("doc_no")),
		Date:   r.text(o.take("date"), o.at("date")),
		URL:    r.text(o.take("url"), o.at("url")),
	}
	o.done()
	return s
}

func (r *reader) parameters(n *yaml.Node) []Parameter {
	var out []Parameter
	for i, item := range r.list(n, "parameters") {
		o, ok := r.object(item, fmt.Sprintf("parameters[%d]", i))
		if !ok {
			continue
		}
		q := Parameter{ID: r.text(o.need("id"), o.at("id")), Name: r.bilingual(o.need("name"), o.at("name"))}
		q.Unit = cloud.Unit(r.oneOf(o.need("unit"), o.at("unit"), string(cloud.Percent), string(cloud.Days), string(cloud.Count)))
		q.Min, _ = r.number(o.need("min"), o.at("min"), 0, 1e9)
		q.Max, _ = r.number(o.need("max"), o.at("max"), 0, 1e9)
		if q.Max <= q.Min {
			r.wrong(item, o.path, "max %g is not above min %g", q.Max, q.Min)
		}
		if v := o.take("value"); v != nil && v.Tag != "!!null" {
			if x, ok := r.number(v, o.at("value"), q.Min, q.Max); ok {
				q.Value = &x
			}
		}
		if slices.ContainsFunc(out, func(e Parameter) bool { return e.ID == q.ID }) {
			r.wrong(item, o.path, "parameter %q is given twice", q.ID)
		}
		o.done()
		out = append(out, q)
	}
	return out
}

func (r *reader) allowance(n *yaml.Node, parameters []Parameter) *Allowance {
	if n == nil {
		return nil
	}
	o, ok := r.object(n, "allowance")
	if !ok {
		return nil
	}
	var ids []string
	for _, q := range parameters {
		if q.Unit == cloud.Percent {
			ids = append(ids, q.ID)
		}
	}
	a := &Allowance{Parameter: r.oneOf(o.need("parameter"), "allowance.parameter", ids...)}
	o.done()
	return a
}

func (r *reader) deadlines(n *yaml.Node) []Deadline {
	var out []Deadline
	for i, item := range r.list(n, "deadlines") {
		o, ok := r.object(item, fmt.Sprintf("deadlines[%d]", i))
		if !ok {
			continue
		}
		d := Deadline{Step: r.text(o.need("step"), o.at("step")), Name: r.bilingual(o.need("name"), o.at("name"))}
		if within := o.take("within"); within != nil {
			d.Within = r.integer(within, o.at("within"), 1, 1000)
			d.Unit = r.oneOf(o.need("unit"), o.at("unit"), "day", "working_day", "month")
		}
		o.done()
		out = append(out, d)
	}
	return out
}

func (r *reader) sizing(n *yaml.Node) Sizing {
	if n == nil {
		return Sizing{MaxSteal: DefaultMaxSteal} // it holds for releases, too
	}
	o, ok := r.object(n, "sizing")
	if !ok {
		return Sizing{}
	}
	s := Sizing{MaxStep: 2, MaxSteal: DefaultMaxSteal}
	limits := r.conditions(o.need("limits"), "sizing.limits", cloud.Instance)
	for i, l := range limits {
		at := fmt.Sprintf("sizing.limits[%d]", i)
		st, known := statistic(l.Statistic)
		switch {
		case l.Metric == "" || !known || st.form == ofSamples || st.form == ofDays || l.Last != 0:
			r.wrong(l.node, at, "want one number of a metric over the window, such as {metric: cpu_percent, statistic: p95, at_most: 60}")
		case !slices.Contains([]cloud.Metric{cloud.CPUPercent, cloud.MemoryPercent, cloud.DiskPercent}, l.Metric):
			r.wrong(l.node, at, "metric %s does not follow from a size: want cpu_percent, memory_percent or disk_percent", l.Metric)
		case l.Op != "<" && l.Op != "<=":
			r.wrong(l.node, at, "want below or at_most")
		}
		s.Limits = append(s.Limits, l.Condition)
	}
	if v := o.take("max_step"); v != nil {
		s.MaxStep, _ = r.number(v, "sizing.max_step", 1, 64)
	}
	if v := o.take("max_steal_percent"); v != nil {
		s.MaxSteal, _ = r.number(v, "sizing.max_steal_percent", 0, 100)
	}
	if v := o.take("min_vcpu"); v != nil {
		s.MinVCPU = r.integer(v, "sizing.min_vcpu", 1, 1024)
	}
	if v := o.take("min_memory_gib"); v != nil {
		s.MinMemoryGiB, _ = r.number(v, "sizing.min_memory_gib", 0.5, 65536)
	}
	s.Families = r.texts(o.take("families"), "sizing.families")
	refuse := o.take("refuse_families")
	s.Refuse = r.texts(refuse, "sizing.refuse_families")
	for _, f := range s.Refuse {
		if slices.Contains(s.Families, f) {
			r.wrong(refuse, "sizing.refuse_families", "%q is also among families", f)
		}
	}
	for i, v := range r.list(o.take("vcpus"), "sizing.vcpus") {
		s.VCPUs = append(s.VCPUs, r.integer(v, fmt.Sprintf("sizing.vcpus[%d]", i), 1, 1024))
	}
	for i, v := range r.list(o.take("memories_gib"), "sizing.memories_gib") {
		m, _ := r.number(v, fmt.Sprintf("sizing.memories_gib[%d]", i), 0.25, 65536)
		s.MemoriesGiB = append(s.MemoriesGiB, m)
	}
	slices.Sort(s.VCPUs)
	slices.Sort(s.MemoriesGiB)
	o.done()
	return s
}

func (r *reader) risk(n *yaml.Node) Risk {
	if n == nil {
		return DefaultRisk
	}
	o, ok := r.object(n, "risk")
	if !ok {
		return Risk{}
	}
	g := DefaultRisk
	g.A = r.percent(o.need("grade_a_percent"), "risk.grade_a_percent")
	g.B = r.percent(o.need("grade_b_percent"), "risk.grade_b_percent")
	g.C = r.percent(o.need("grade_c_percent"), "risk.grade_c_percent")
	if g.A >= g.B || g.B >= g.C {
		r.wrong(n, "risk", "want grade_a_percent below grade_b_percent below grade_c_percent")
	}
	if b := o.take("budget_percent"); b != nil {
		g.Budget = r.harm(b, "risk.budget_percent")
	}
	if h := o.take("horizon"); h != nil {
		g.Horizon = r.duration(h, "risk.horizon", day, 200*day)
	}
	if past := o.take("past"); past != nil {
		g.Past = r.duration(past, "risk.past", day, 400*day)
	}
	if g.Past < 2*g.Horizon {
		r.wrong(n, "risk", "want past at least twice as long as horizon: what came has to lie behind what it is told from")
	}
	o.done()
	return g
}

func (r *reader) padding(n *yaml.Node) Padding {
	if n == nil {
		return Padding{}
	}
	o, ok := r.object(n, "padding")
	if !ok {
		return Padding{}
	}
	p := Padding{Enabled: true}
	p.MaxDeviation, _ = r.number(o.need("max_deviation"), "padding.max_deviation", 0, 100)
	p.AboveBy, _ = r.number(o.need("above_by"), "padding.above_by", 0, 100)
	p.MinFloor = r.percent(o.need("min_floor_percent"), "padding.min_floor_percent")
	p.MaxNetwork = r.volume(o.need("max_network_per_day"), "padding.max_network_per_day")
	p.MaxDisk = r.volume(o.need("max_disk_per_day"), "padding.max_disk_per_day")
	p.QuietDays = r.percent(o.need("quiet_days_percent"), "padding.quiet_days_percent")
	p.WorkTimes, _ = r.number(o.need("work_times"), "padding.work_times", 1, 1000)
	p.Settled = r.duration(o.need("settled"), "padding.settled", 24*time.Hour, 90*24*time.Hour)
	p.MaxGrowth = r.percent(o.need("max_traffic_growth_percent"), "padding.max_traffic_growth_percent")
	p.Alike = r.integer(o.need("alike"), "padding.alike", 2, 1000)
	p.AlikeWithin, _ = r.number(o.need("alike_within"), "padding.alike_within", 0, 100)
	o.done()
	return p
}

var volumeUnits = map[string]float64{"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}

var volumeText = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*(B|kB|KB|MB|GB|TB)?$`)

// volume reads a number of bytes such as 5MB; prefixes are decimal.
func (r *reader) volume(n *yaml.Node, path string) float64 {
	if n == nil {
		return 0
	}
	m := volumeText.FindStringSubmatch(n.Value)
	if n.Kind != yaml.ScalarNode || m == nil {
		r.wrong(n, path, "want a volume such as 5MB, found %s", nodeName(n))
		return 0
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		r.wrong(n, path, "want a volume such as 5MB, found %s", nodeName(n))
		return 0
	}
	return v * volumeUnits[m[2]]
}
