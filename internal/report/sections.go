package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"yunjian/analyzer"
	"yunjian/cloud"
	"yunjian/policies"
	"yunjian/recommender"
)

func itoa(n int) string { return strconv.Itoa(n) }

// topNew is how many new recommendations, greatest saving first, are put
// before the reader; all of them stand in the appendix.
const topNew = 10

// sections are the chapters between the overview and the details.
func (b builder) sections() []section {
	var out []section
	for _, s := range []section{
		b.departmentSection(), b.newSection(), b.againSection(), b.goneSection(), b.scheduleSection(), b.tightSection(),
		b.refusedSection(), b.paddingSection(), b.exemptSection(), b.qualitySection(), b.collectionSection(),
	} {
		if s.id != "" {
			out = append(out, s)
		}
	}
	return out
}

func (b builder) departmentSection() section {
	p := b.p
	t := table{
		id: "departments", empty: p.say(msgNoResources), textRows: 30,
		columns: []column{
			{title: p.say(msgDepartment), width: 26, in: everywhere, fold: true},
			{title: p.say(msgResources), kind: whole, in: everywhere},
			{title: p.say(msgToRelease), kind: whole, in: everywhere},
			{title: p.say(msgToDownsize), kind: whole, in: everywhere},
			{title: p.say(msgFreedCores), kind: whole, in: everywhere},
			{title: p.say(msgFreedMemory), kind: size, in: everywhere},
			{title: p.say(msgFreedStorage), kind: size, in: everywhere},
			{title: b.savingColumn(), kind: money, in: everywhere},
			{title: p.say(msgUnpricedColumn), kind: whole, in: everywhere},
		},
	}
	var all Department
	for _, d := range b.f.departments {
		t.rows = append(t.rows, append([]cell{text(b.departmentName(d.Name))}, b.departmentCells(d)...))
		all.Resources += d.Resources
		all.Release += d.Release
		all.Downsize += d.Downsize
		all.VCPU += d.VCPU
		all.MemoryGiB += d.MemoryGiB
		all.StorageGiB += d.StorageGiB
		all.Unpriced += d.Unpriced
		all.Unsized += d.Unsized
	}
	all.Saving = b.f.saving
	if len(t.rows) > 0 {
		t.total = append([]cell{text(p.say(msgTotal))}, b.departmentCells(all)...)
	}
	return section{id: "departments", title: p.say(msgDepartments), tables: []table{t}}
}

func (b builder) departmentCells(d Department) []cell {
	known := d.Unpriced == 0 || d.Saving.Sign() != 0
	return []cell{
		count(d.Resources), count(d.Release), count(d.Downsize), count(d.VCPU),
		gigabytes(d.MemoryGiB), b.p.given(d.StorageGiB, d.Unsized == 0), b.p.moneyCell(d.Saving, known), count(d.Unpriced),
	}
}

// adviceTable lists recommendations briefly.
func (b builder) adviceTable(id string, list []recommender.Recommendation) table {
	p := b.p
	t := table{id: id, columns: []column{
		{title: "#", kind: whole, in: paper},
		{title: p.say(msgResource), width: 30, in: everywhere},
		{title: p.say(msgDepartment), width: 18, in: everywhere, fold: true},
		{title: p.say(msgAction), in: everywhere},
		{title: p.say(msgSizes), in: everywhere, fold: true},
		{title: b.savingColumn(), kind: money, in: everywhere},
		{title: p.say(msgRiskGrade), in: everywhere},
		{title: p.say(msgStatus), in: everywhere},
	}}
	for i, x := range list {
		if i == topNew {
			break
		}
		t.rows = append(t.rows, []cell{
			count(i + 1), b.resource(x.ResourceID, x.Name).link(b.anchor(x.ResourceID)), orDash(b.departmentName(b.f.department(x.ResourceID))),
			text(p.action(x)), orDash(b.sizes(x)), p.moneyCell(shown(x), x.SavingKnown),
			orDash(x.Risk.Grade), b.status(x),
		})
	}
	return t
}

func (b builder) newSection() section {
	p, c := b.p, b.f.changes
	s := section{id: "new", title: p.say(msgNewTop, topNew)}
	if c.first {
		s.title = p.say(msgFirstTop, topNew)
		s.notes = append(s.notes, p.say(msgFirstIssue))
	}
	t := b.adviceTable("new", c.fresh)
	t.empty = p.say(msgNoneNew)
	if c.first {
		t.empty = p.say(msgNoAdvice)
	}
	if n := len(c.fresh); n > topNew {
		s.notes = append(s.notes, p.say(msgShownOf, topNew, n))
	}
	s.tables = []table{t}
	return s
}

func (b builder) againSection() section {
	if b.f.changes.first {
		return section{}
	}
	p, again := b.p, b.f.changes.again
	s := section{id: "continued", title: p.say(msgContinued)}
	t := b.adviceTable("continued", again)
	t.empty = p.say(msgNoneContinued)
	if n := len(again); n > topNew {
		s.notes = append(s.notes, p.say(msgShownOf, topNew, n))
	}
	s.tables = []table{t}
	return s
}

func (b builder) goneSection() section {
	if b.f.changes.first {
		return section{}
	}
	p := b.p
	t := table{id: "gone", empty: p.say(msgNoneGone), textRows: 20, pageRows: 200, columns: []column{
		{title: p.say(msgResource), width: 30, in: everywhere},
		{title: p.say(msgDepartment), width: 18, in: everywhere, fold: true},
		{title: p.say(msgPreviousAction), in: everywhere},
		{title: p.say(msgPreviousSaving, b.unit()), kind: money, in: everywhere},
		{title: p.say(msgWhy), width: 34, in: everywhere, wrap: true},
	}}
	for _, g := range b.f.changes.gone {
		t.rows = append(t.rows, []cell{
			b.resource(g.ResourceID, g.Name), text(b.departmentName(cmp.Or(b.f.department(g.ResourceID), g.Department))),
			text(p.action(g.Recommendation)), p.moneyCell(shown(g.Recommendation), g.SavingKnown), text(b.whyGone(g)),
		})
	}
	return section{id: "gone", title: p.say(msgGone), notes: []string{p.say(msgGoneNote)}, tables: []table{t}}
}

func (b builder) whyGone(g gone) string {
	switch g.why {
	case goneJudged:
		return b.p.say(msgGoneJudged, name(b.p, verdictNames, g.verdict))
	case goneReplaced:
		x := b.f.advice[g.ResourceID]
		return b.p.say(msgGoneReplaced, b.p.action(x))
	case goneUnread:
		return b.p.say(msgGoneUnread)
	default:
		return b.p.say(msgGoneUnlisted)
	}
}

func (b builder) tightSection() section {
	p := b.p
	t := table{id: "tight", empty: p.say(msgNoneTight), textRows: 20, pageRows: 200, columns: []column{
		{title: p.say(msgResource), width: 30, in: everywhere},
		{title: p.say(msgDepartment), width: 16, in: everywhere, fold: true},
		{title: p.say(msgSizes), in: everywhere, fold: true},
		{title: p.say(msgBasis), width: 36, in: everywhere, wrap: true},
	}}
	for _, x := range b.f.tight {
		sizes := b.currentSize(x.ResourceID)
		if r, ok := b.f.advice[x.ResourceID]; ok && r.Action == recommender.Upsize {
			sizes = b.sizes(r)
		}
		t.rows = append(t.rows, []cell{
			b.resource(x.ResourceID, ""), text(b.departmentName(b.f.department(x.ResourceID))), orDash(sizes),
			text(b.whyTight(x)),
		})
	}
	return section{id: "tight", title: p.say(msgTight), notes: []string{p.say(msgTightNote)}, tables: []table{t}}
}

// whyTight says why a resource is tight, and why nothing larger is proposed
// where that is so.
func (b builder) whyTight(x analyzer.Finding) string {
	parts := []string{b.p.reasons(x.Reasons)}
	for _, r := range b.r.Audit.Refusals {
		if r.ResourceID == x.ResourceID {
			parts = append(parts, b.p.say(msgNotProposed, b.p.reasons(r.Reasons)))
		}
	}
	return b.p.clauses(parts)
}

// signs are the reasons that speak of padding; all where none does.
func signs(x analyzer.Finding) []analyzer.Reason {
	var out []analyzer.Reason
	for _, r := range x.Reasons {
		if r.Padding() {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		return x.Reasons
	}
	return out
}

func (b builder) refusedSection() section {
	p := b.p
	t := table{id: "refused", title: p.say(msgRefusedList), textRows: 20, pageRows: 500, columns: []column{
		{title: p.say(msgResource), width: 30, in: everywhere},
		{title: p.say(msgDepartment), width: 16, in: everywhere, fold: true},
		{title: p.say(msgRule), width: 16, in: everywhere},
		{title: p.say(msgWhy), width: 42, in: everywhere, wrap: true},
	}}
	sums := table{id: "refused-counts", empty: p.say(msgNoneRefused), textRows: 20, columns: []column{
		{title: p.say(msgWhy), width: 80, in: everywhere, wrap: true},
		{title: p.say(msgResources), kind: whole, in: everywhere},
	}}
	refused := map[string][]recommender.Refusal{}
	var whys []string
	for _, x := range b.r.Audit.Refusals {
		if ownSection(x) {
			continue
		}
		why := p.reasons(inGeneral(x.Reasons))
		if len(refused[why]) == 0 {
			whys = append(whys, why)
		}
		refused[why] = append(refused[why], x)
	}
	slices.SortStableFunc(whys, func(a, b string) int { return cmp.Compare(len(refused[b]), len(refused[a])) })
	for _, why := range whys {
		sums.rows = append(sums.rows, []cell{text(why), count(len(refused[why]))})
		of := refused[why]
		slices.SortStableFunc(of, func(x, y recommender.Refusal) int {
			return cmp.Compare(b.f.department(x.ResourceID), b.f.department(y.ResourceID))
		})
		for _, x := range of {
			t.rows = append(t.rows, []cell{
				b.resource(x.ResourceID, ""), text(b.departmentName(b.f.department(x.ResourceID))),
				orDash(p.rule(x.Rule)), text(p.reasons(x.Reasons)),
			})
		}
	}
	s := section{id: "refused", title: p.say(msgRefused), notes: []string{p.say(msgRefusedNote)}, tables: []table{sums}}
	if len(t.rows) > 0 {
		s.tables = append(s.tables, t)
	}
	return s
}

// inGeneral leaves out what is each machine's own, so that machines refused for the
// same reason are counted together.
func inGeneral(reasons []analyzer.Reason) []analyzer.Reason {
	out := slices.Clone(reasons)
	for i, r := range out {
		switch r.Code {
		case recommender.CodeTooRisky, recommender.CodeRiskBudget, recommender.CodeKin, recommender.CodeCPUWithheld:
			out[i].Value = nil
		case recommender.CodeCPUCapped:
			out[i].Value, out[i].Detail = nil, ""
		case recommender.CodeHAGroup:
			out[i].Detail = ""
		}
	}
	return out
}

// ownSection reports whether a refusal is told elsewhere: exempt and padded
// resources have sections of their own.
func ownSection(x recommender.Refusal) bool {
	for _, r := range x.Reasons {
		if r.Code == recommender.CodeExempt || r.Code == recommender.CodePadding {
			return true
		}
	}
	return false
}

func (b builder) paddingSection() section {
	p := b.p
	t := table{id: "padding", empty: p.say(msgNonePadding), textRows: 20, pageRows: 200, columns: []column{
		{title: p.say(msgResource), width: 30, in: everywhere},
		{title: p.say(msgDepartment), width: 16, in: everywhere, fold: true},
		{title: p.say(msgVerdict), width: 14, in: everywhere},
		{title: p.say(msgBasis), width: 42, in: everywhere, wrap: true},
	}}
	for _, x := range b.f.padding {
		t.rows = append(t.rows, []cell{
			b.resource(x.ResourceID, ""), text(b.departmentName(b.f.department(x.ResourceID))),
			text(name(p, verdictNames, x.Verdict)), text(p.reasons(signs(x))),
		})
	}
	return section{id: "padding", title: p.say(msgPadding), notes: []string{p.say(msgPaddingNote)}, tables: []table{t}}
}

func (b builder) exemptSection() section {
	p := b.p
	t := table{id: "exempt", empty: p.say(msgNoneExempt), textRows: 20, pageRows: 500, columns: []column{
		{title: p.say(msgResource), width: 30, in: everywhere},
		{title: p.say(msgDepartment), width: 16, in: everywhere, fold: true},
		{title: p.say(msgVerdict), width: 14, in: everywhere},
		{title: p.say(msgExemptReason), width: 20, in: everywhere, wrap: true},
		{title: p.say(msgOwner), width: 10, in: everywhere},
		{title: p.say(msgExpires), in: everywhere},
		{title: p.say(msgDaysLeft), kind: whole, in: everywhere},
	}}
	for _, x := range b.f.exempt {
		expires, left := text(p.say(msgUnknown)).toned(mute), p.unknown()
		if x.expiryDay {
			expires, left = text(x.expires), count(x.daysLeft)
			if x.daysLeft <= int(expiringWithin.Hours()/24) {
				left = left.toned(warn)
			}
		}
		t.rows = append(t.rows, []cell{
			b.resource(x.finding.ResourceID, ""), text(b.departmentName(b.f.department(x.finding.ResourceID))),
			text(name(p, verdictNames, x.finding.Verdict)), orDash(b.ground(x.ground)), orDash(clean(x.owner)), expires, left,
		})
	}
	return section{id: "exempt", title: p.say(msgExempt), notes: []string{p.say(msgExemptNote)}, tables: []table{t}}
}

func (b builder) qualitySection() section {
	p, q := b.p, b.f.quality
	s := section{id: "quality", title: p.say(msgQuality)}
	if q.coverage != nil {
		s.notes = append(s.notes, p.say(msgMeanCoverage, percent(100**q.coverage)))
	}
	if b.r.Pack.MinCoverage > 0 {
		s.notes = append(s.notes, p.say(msgMinCoverage, p.limit(b.r.Pack.MinCoverage, cloud.Ratio)))
	}
	counts := table{id: "quality-counts", empty: p.say(msgNonePoor), columns: []column{
		{title: p.say(msgClass), width: 22, in: everywhere},
		{title: p.say(msgResources), kind: whole, in: everywhere},
		{title: p.say(msgSeries), kind: whole, in: everywhere},
		{title: p.say(msgWhatToDo), width: 58, in: everywhere, wrap: true},
	}}
	for _, n := range q.counts {
		counts.rows = append(counts.rows, []cell{
			text(name(p, classNames, n.class)), count(n.resources), count(n.series), orDash(adviceOn(p, n.class)),
		})
	}
	s.tables = append(s.tables, counts)
	if len(q.list) > 0 {
		s.tables = append(s.tables, b.poorTable())
	}
	if t := b.undecidedTable(); len(t.rows) > 0 {
		s.notes = append(s.notes, p.say(msgQualityNote))
		s.tables = append(s.tables, t)
	}
	return s
}

func adviceOn(p prose, class cloud.Availability) string {
	if m, ok := classAdvice[class]; ok {
		return p.say(m)
	}
	return ""
}

func (b builder) collectionSection() section {
	p := b.p
	calls := table{id: "collection", empty: p.say(msgNoCollection), columns: []column{
		{title: p.say(msgCloud), width: 18, in: everywhere},
		{title: p.say(msgLastRun), in: everywhere},
		{title: p.say(msgLastCalls), kind: whole, in: everywhere},
		{title: p.say(msgMinimum), kind: whole, in: everywhere},
		{title: p.say(msgMonthCalls), kind: whole, in: everywhere},
		{title: p.say(msgMonthBudget), kind: whole, in: everywhere},
		{title: p.say(msgBudgetUsed), kind: percent1, in: everywhere},
	}}
	problems := table{id: "problems", title: p.say(msgProblems), columns: []column{
		{title: p.say(msgCloud), width: 14, in: everywhere},
		{title: p.say(msgClass), width: 14, in: everywhere},
		{title: p.say(msgMetrics), width: 10, in: everywhere},
		{title: p.say(msgResources), kind: whole, in: everywhere},
		{title: p.say(msgCode), width: 24, in: everywhere},
		{title: p.say(msgDetail), width: 36, in: everywhere, wrap: true},
	}}
	for _, c := range b.r.Collection {
		ran, minimum, budget, used := text(p.minute(c.LastRun)), p.unknown(), text(p.say(msgNoBudget)).toned(mute), p.unknown()
		if c.LastRun.IsZero() {
			ran = text(p.say(msgNeverRead)).toned(warn)
		}
		// Files need no calls: a minimum of calls says nothing of them.
		if c.Minimum > 0 && c.LastCalls > 0 {
			minimum = count(c.Minimum)
		}
		if c.MonthBudget > 0 {
			budget = count(c.MonthBudget)
			x := 100 * float64(c.MonthCalls) / float64(c.MonthBudget)
			used = p.percentCell(&x)
			if x > 90 {
				used = used.toned(warn)
			}
		}
		calls.rows = append(calls.rows, []cell{text(clean(c.Cloud)), ran, count(c.LastCalls), minimum, count(c.MonthCalls), budget, used})
		for _, x := range c.Problems {
			metric := p.unknown()
			if x.Metric != "" {
				metric = text(name(p, metricNames, x.Metric))
			}
			problems.rows = append(problems.rows, []cell{
				text(clean(c.Cloud)), text(name(p, classNames, x.Availability)), metric, count(x.Resources), orDash(clean(x.Code)), orDash(b.trouble(x.Availability, x.Code, x.Message)),
			})
		}
	}
	s := section{id: "collection", title: p.say(msgCollection), tables: []table{calls}}
	if slices.ContainsFunc(b.r.Collection, func(c Collection) bool { return c.LastCalls > 0 }) {
		s.notes = append(s.notes, p.say(msgCollectionNote))
	}
	incomplete := b.f.incomplete()
	switch {
	case len(b.f.scopes) == 0:
		s.notes = append(s.notes, p.say(msgNoScopes))
	case len(incomplete) == 0:
		s.notes = append(s.notes, p.say(msgAllComplete, len(b.f.scopes)))
	default:
		s.notes = append(s.notes, p.say(msgSomeIncomplete, len(incomplete), len(b.f.scopes)))
		s.tables = append(s.tables, b.scopeTable(incomplete))
	}
	if len(problems.rows) > 0 {
		s.tables = append(s.tables, problems)
	}
	return s
}

func (b builder) scopeTable(list []scope) table {
	p := b.p
	t := table{id: "scopes", title: p.say(msgIncomplete), textRows: 30, pageRows: 300, columns: []column{
		{title: p.say(msgCloud), width: 14, in: everywhere},
		{title: p.say(msgAccount), width: 18, in: everywhere},
		{title: p.say(msgRegion), width: 16, in: everywhere},
		{title: p.say(msgKind), in: everywhere},
		{title: p.say(msgRead), kind: whole, in: everywhere},
		{title: p.say(msgProblem), width: 38, in: everywhere, wrap: true},
	}}
	for _, x := range list {
		problem := clean(x.Problem)
		if x.Code != "" && !strings.Contains(problem, x.Code) {
			problem = strings.TrimSpace(problem + " (" + clean(x.Code) + ")")
		}
		problem = b.trouble("", x.Code, problem)
		t.rows = append(t.rows, []cell{
			text(clean(x.cloud)), orDash(clean(x.Account)), orDash(clean(x.Region)), text(name(p, kindNames, x.Kind)), count(x.Count), orDash(problem),
		})
	}
	return t
}

// resource names a resource as people know it, with its id.
func (b builder) resource(id, known string) cell {
	n := clean(cmp.Or(b.f.resources[id].Name, known, b.f.advice[id].Name))
	if n == "" || n == id {
		return text(clean(id))
	}
	return cell{text: n, sub: clean(id)}
}

func (b builder) currentSize(id string) string {
	r, ok := b.f.resources[id]
	if !ok {
		return ""
	}
	if r.Kind == cloud.Instance {
		return b.p.spec(r.VCPU, r.MemoryGiB, 0)
	}
	return b.p.spec(0, 0, r.StorageGiB)
}

// sizes is the current and the proposed size. Storage of a machine is told
// where it is part of what is saved: on release and where it changes.
func (b builder) sizes(x recommender.Recommendation) string {
	now := b.specOf(x.Current, x.Kind)
	if mbps := b.f.resources[x.ResourceID].BandwidthMbps; x.Kind == cloud.EIP && mbps > 0 {
		now = b.p.value(mbps, cloud.Mbps, 0)
	}
	if x.Target == nil {
		if x.Kind == cloud.Instance && x.Current.StorageGiB > 0 {
			now += " + " + b.p.size(0, 0, x.Current.StorageGiB)
		}
		return now
	}
	if onlyStorage(x) {
		return b.p.spec(0, 0, x.Current.StorageGiB) + " → " + b.p.spec(0, 0, x.Target.StorageGiB)
	}
	return now + " → " + b.specOf(*x.Target, x.Kind)
}

// onlyStorage reports whether a machine keeps its cores and memory.
func onlyStorage(x recommender.Recommendation) bool {
	return x.Kind == cloud.Instance && x.Target != nil && x.Target.StorageGiB != x.Current.StorageGiB &&
		x.Target.VCPU == x.Current.VCPU && x.Target.MemoryGiB == x.Current.MemoryGiB
}

func (b builder) specOf(s recommender.Spec, k cloud.Kind) string {
	if k == cloud.Instance {
		return b.p.spec(s.VCPU, s.MemoryGiB, 0)
	}
	return b.p.spec(0, 0, s.StorageGiB)
}

// status says whether advice may be acted on yet.
func (b builder) status(x recommender.Recommendation) cell {
	if x.ToReview() {
		return text(b.p.say(msgToReview)).toned(warn)
	}
	if x.Ready {
		return text(b.p.say(msgReady)).toned(good)
	}
	if n := b.r.Pack.ConfirmRuns; n > 0 {
		return text(b.p.say(msgWaitingOf, x.ConsecutiveRuns, n)).toned(warn)
	}
	return text(b.p.say(msgWaiting)).toned(warn)
}

// ground is the name of a ground for exemption.
func (b builder) ground(id string) string {
	for _, g := range policies.Reasons() {
		if g.ID != id {
			continue
		}
		if b.p.lang == ZH {
			return g.Name.ZH
		}
		return g.Name.EN
	}
	return clean(id)
}

// action names what is proposed: a machine is 降配, storage 缩容.
func (p prose) action(x recommender.Recommendation) string {
	if x.Action == recommender.Downsize && (x.Kind == cloud.Disk || onlyStorage(x)) {
		return p.say(msgShrink)
	}
	return name(p, actionNames, x.Action)
}

func (p prose) flags(list []analyzer.Flag) []string {
	var out []string
	for _, f := range list {
		out = append(out, name(p, flagNames, f))
	}
	return out
}
