package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"yunjian/notice"
)

// mostListed are the resources that a word names; the others are counted.
const mostListed = 3

// Word words what somebody is to be told: what it is about in one line, and which
// resources in another. of is the notice that a department is told of, where it is at
// hand: then it is also told what is asked, how to answer and whom to call.
func Word(w notice.Word, of *notice.Notice, flow notice.Workflow, lang Lang) (title, detail string) {
	p := caseProse{prose{lang: lang}, flow}
	if of != nil && w.Issued {
		return p.issued(w, *of)
	}
	what := p.deadline(w.Deadline)
	if w.Event != "" {
		what = p.event(w.Event)
		if w.Deadline != "" {
			what += p.tell("，%s", ", %s", p.deadline(w.Deadline))
		}
	}
	if w.Deadline != "" {
		what += p.tell("", ": ") + p.left(w.Cases[0].WorkingDays)
	}
	title = p.tell("%s：%d 件，%s", "%s: %d case(s), %s", brief(cmp.Or(w.Document, p.tell("案卷", "Cases"))), len(w.Cases), what)
	var departments, names []string
	for i, c := range w.Cases {
		if w.To.Role != notice.Dept && c.Department != "" && !slices.Contains(departments, brief(c.Department)) {
			departments = append(departments, brief(c.Department))
		}
		if i < mostListed {
			names = append(names, brief(cmp.Or(c.Name, c.ResourceID)))
		}
	}
	detail = p.join(names)
	if more := len(w.Cases) - len(names); more > 0 && lang == EN {
		detail += fmt.Sprintf(" and %d more", more)
	} else if more > 0 {
		detail += fmt.Sprintf("等 %d 项", len(w.Cases))
	}
	if len(departments) > 0 {
		detail = p.join(departments[:min(len(departments), mostListed)]) + p.tell("：", ": ") + detail
	}
	if of != nil {
		parts := []string{detail}
		if w.Deadline != "" {
			parts = append(parts, p.tell("请按通知书逐项答复", "Please answer the notice line by line"))
		}
		detail = p.sentences(append(parts, p.contacts(*of)...))
	}
	return title, detail
}

// issued words that a notice was issued, to its department. It goes out at once and may
// be all that is read: it says what the paper says.
func (p caseProse) issued(w notice.Word, n notice.Notice) (title, detail string) {
	title = p.tell("%s %s：%d 件，请于 %s 前答复", "%s %s: %d case(s), to be answered by %s", brief(n.Title), brief(n.Number), len(n.Lines), n.Feedback.Due)
	var names, parts []string
	for _, l := range n.Lines[:min(len(n.Lines), mostListed)] {
		names = append(names, brief(l.Name)+p.parenthesized(brief(l.ResourceID)))
	}
	listed := p.join(names)
	if len(n.Lines) > mostListed {
		listed += p.tell("等 %d 项", " of %d", len(n.Lines))
	}
	for _, d := range n.Demands {
		parts = append(parts, p.tell("请对 %d 个资源予以%s", "You are asked that %d resource(s) be treated as follows: %s", d.Resources, name(p.prose, actionNames, d.Action)))
	}
	parts = append(parts, listed)
	if w.Deadline != "" && w.Due != n.Feedback.Due {
		parts = append(parts, p.tell("%s %s", "%s: %s", p.deadline(w.Deadline), w.Due))
	}
	parts = append(parts, p.tell("请于 %s 前（含当日）逐项答复：同意、调整规格、申请豁免或提出异议，后两者附证明材料",
		"Please answer each line by %s at the latest: agree, ask for another size, for an exemption, or object, the last two with evidence", n.Feedback.Due))
	parts = append(parts, p.tell("依据、清单与理由见通知书", "On what it stands, and the resources, are in the notice"))
	if silence := strings.TrimRight(clean(p.of(n.Silence)), "。."); silence != "" {
		if len(silence) > mostSilence {
			silence = strings.ToValidUTF8(silence[:mostSilence], "") + "…"
		}
		parts = append(parts, silence)
	}
	return title, p.sentences(append(parts, p.contacts(n)...))
}

// mostSilence are the bytes that a message bears of what follows without an answer, and
// mostContacts whom it names: an item of the outbox has room for no more.
const (
	mostSilence  = 700
	mostContacts = 2
)

// contacts are whom to call, in a sentence.
func (p caseProse) contacts(n notice.Notice) (out []string) {
	var names []string
	for _, c := range n.Contacts[:min(len(n.Contacts), mostContacts)] {
		names = append(names, strings.TrimSpace(brief(c.Name)+" "+brief(c.Phone)))
	}
	if len(names) > 0 {
		out = append(out, p.tell("联系人：%s", "Contact: %s", p.join(names)))
	}
	return out
}

// brief is a name as a message bears it, whatever a cloud lets people write.
func brief(s string) string {
	const most = 64 // runes
	s = clean(s)
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
