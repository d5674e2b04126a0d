package policies

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"yunjian/cloud"
)

// MaxExemption is the longest that one exemption may run: at its end the case
// is looked at again.
const MaxExemption = 180 * day

// Exemption excuses resources until a date. Forever is not a value.
type Exemption struct {
	Resource    string // id; empty: by application or department
	Application string
	Department  string
	Reason      string // one of Reasons
	Owner       string // who answers for it
	Evidence    string // the document that proves it
	From        time.Time
	Expires     time.Time // the last day that is excused; midnight UTC of that calendar date
}

// ExemptionReason is a ground for an exemption.
type ExemptionReason struct {
	ID   string
	Name Text
}

// Reasons lists the grounds on which a resource may be exempted.
func Reasons() []ExemptionReason {
	return []ExemptionReason{
		{"standby", Text{"灾备/备机", "disaster recovery or standby"}},
		{"security", Text{"等保/密评/安全组件", "security component"}},
		{"seasonal", Text{"季节性业务", "seasonal service"}},
		{"migration", Text{"信创迁移并行期", "parallel run of a migration"}},
		{"emergency", Text{"应急指挥/防汛", "emergency command, flood control"}},
		{"ramp_up", Text{"上线爬坡期", "ramp-up after launch"}},
		{"legal_hold", Text{"司法/审计取证保全", "legal or audit hold"}},
		{"contract", Text{"合同锁定期", "locked by contract"}},
		{"development", Text{"开发测试", "development and test"}},
	}
}

// Covers reports whether the exemption excuses r on the calendar day of now, in
// the location of now. Every scope given must match.
func (e Exemption) Covers(r cloud.Resource, now time.Time) bool {
	if e.Resource == "" && e.Application == "" && e.Department == "" {
		return false
	}
	matches := (e.Resource == "" || e.Resource == r.ID) &&
		(e.Application == "" || e.Application == r.Application) &&
		(e.Department == "" || e.Department == r.Department)
	today := now.Format(time.DateOnly)
	return matches && e.From.Format(time.DateOnly) <= today && today <= e.Expires.Format(time.DateOnly)
}

// Exempted returns the exemption that covers r at now and runs longest.
func (p Pack) Exempted(r cloud.Resource, now time.Time) (Exemption, bool) {
	var best Exemption
	found := false
	for _, e := range p.Exemptions {
		if e.Covers(r, now) && (!found || e.Expires.After(best.Expires)) {
			best, found = e, true
		}
	}
	return best, found
}

// ParseExemptions reads a file of exemptions. name is for messages. The error,
// if any, is an *Error with every mistake.
func ParseExemptions(name string, text []byte) ([]Exemption, error) {
	out, problems := parseExemptions(name, text)
	if len(problems) > 0 {
		return nil, &Error{Problems: problems}
	}
	return out, nil
}

func parseExemptions(name string, text []byte) ([]Exemption, []Problem) {
	r := &reader{file: name}
	o, ok := r.document(text)
	if !ok {
		return nil, r.problems
	}
	var out []Exemption
	lines := map[[3]string]int{}
	for i, item := range r.list(o.need("exemptions"), "exemptions") {
		e, ok := r.exemption(item, fmt.Sprintf("exemptions[%d]", i))
		if !ok {
			continue
		}
		scope := [3]string{e.Resource, e.Application, e.Department}
		if line, twice := lines[scope]; twice {
			r.wrong(item, fmt.Sprintf("exemptions[%d]", i), "same scope as the exemption at line %d", line)
		}
		lines[scope] = item.Line
		out = append(out, e)
	}
	o.done()
	return out, r.sorted()
}

func (r *reader) exemption(n *yaml.Node, path string) (Exemption, bool) {
	o, ok := r.object(n, path)
	if !ok {
		return Exemption{}, false
	}
	before := len(r.problems)
	e := Exemption{
		Resource:    r.text(o.take("resource"), o.at("resource")),
		Application: r.text(o.take("application"), o.at("application")),
		Department:  r.text(o.take("department"), o.at("department")),
	}
	if o.values["resource"] == nil && o.values["application"] == nil && o.values["department"] == nil {
		r.wrong(n, path, "excuses nothing: want resource, application or department")
	}
	ids := make([]string, 0, 9)
	for _, reason := range Reasons() {
		ids = append(ids, reason.ID)
	}
	e.Reason = r.oneOf(o.need("reason"), o.at("reason"), ids...)
	e.Owner = r.text(o.need("owner"), o.at("owner"))
	e.Evidence = r.text(o.need("evidence"), o.at("evidence"))
	e.From = r.date(o.need("from"), o.at("from"))
	expires := o.need("expires")
	if expires != nil && slices.Contains([]string{"forever", "never", "永久", "长期"}, expires.Value) {
		r.wrong(expires, o.at("expires"), "%s is not a date: an exemption runs at most 180 days, then the case is looked at again", expires.Value)
	} else if e.Expires = r.date(expires, o.at("expires")); !e.Expires.IsZero() && !e.From.IsZero() {
		switch length := e.Expires.Sub(e.From); {
		case length < 0:
			r.wrong(expires, o.at("expires"), "%s lies before from, %s", expires.Value, e.From.Format(time.DateOnly))
		case length > MaxExemption:
			r.wrong(expires, o.at("expires"), "%s is %d days after from: an exemption runs at most 180 days, until %s",
				expires.Value, int(length/day), e.From.Add(MaxExemption).Format(time.DateOnly))
		}
	}
	o.done()
	return e, len(r.problems) == before
}

// IsExemptions reports whether a file is one of exemptions rather than a pack.
func IsExemptions(text []byte) bool {
	r := &reader{}
	o, ok := r.document(text)
	return ok && o.values["exemptions"] != nil
}
