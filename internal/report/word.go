package report

import (
	"cmp"
	"fmt"
	"slices"

	"yunjian/notice"
)

// mostListed are the resources that a word names; the others are counted.
const mostListed = 3

// Word words what somebody is to be told: what it is about in one line, and which
// resources in another.
func Word(w notice.Word, flow notice.Workflow, lang Lang) (title, detail string) {
	p := caseProse{prose{lang: lang}, flow}
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
	return title, detail
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
