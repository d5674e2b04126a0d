package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"yunjian/cloud"
	"yunjian/ownership"
)

// WriteOwners writes a directory for a terminal: departments with how much of the fleet is
// theirs, and their applications. Telephones are masked.
func WriteOwners(w io.Writer, d ownership.Directory, fleet []cloud.Resource, lang Lang) error {
	p := prose{lang: lang}
	t := &page{w: bufio.NewWriter(w)}
	if len(d.Departments) == 0 {
		t.paragraph("", p.sentences([]string{p.tell("还没有单位目录：用 `yunjian owner import` 导入单位表与应用表", "There is no directory of owners yet: import tables of departments and applications with `yunjian owner import`")}))
		return t.w.Flush()
	}
	type owned struct {
		resources, vcpu int
		memory          float64
	}
	byDepartment, byApplication := map[string]*owned{}, map[[2]string]int{}
	for _, r := range fleet {
		o := byDepartment[r.Department]
		if o == nil {
			o = &owned{}
			byDepartment[r.Department] = o
		}
		o.resources++
		o.vcpu += r.VCPU
		o.memory += r.MemoryGiB
		byApplication[[2]string{r.Department, r.Application}]++
	}
	departments := table{columns: []column{
		{title: p.tell("单位", "Department"), in: everywhere, width: 30}, {title: p.tell("主管部门", "Above it"), in: everywhere, width: 24},
		{title: p.tell("负责人", "Signs"), in: everywhere, width: 12}, {title: p.tell("联系人", "Contact"), in: everywhere, width: 12}, {title: p.tell("电话", "Phone"), in: everywhere, width: 14},
		{title: p.tell("邮箱", "E-mail"), in: everywhere}, {title: p.tell("资源", "Resources"), kind: whole, in: everywhere}, {title: p.tell("核", "vCPU"), kind: whole, in: everywhere}, {title: p.tell("内存GB", "Mem GB"), kind: size, in: everywhere},
	}}
	unreached := 0
	mail := func(c ownership.Contact) cell { // whether there is one, not which
		if c.Email == "" {
			unreached++
			return cell{text: p.tell("无", "none"), tone: mute}
		}
		return text(p.tell("有", "yes"))
	}
	for _, x := range d.Departments {
		o := byDepartment[x.Name]
		if o == nil {
			o = &owned{}
		}
		departments.rows = append(departments.rows, []cell{
			text(clean(x.Name)), orDash(clean(x.Parent)), orDash(clean(x.Signer)), orDash(clean(x.Contact.Name)), orDash(masked(x.Contact.Phone)), mail(x.Contact), count(o.resources), count(o.vcpu), gigabytes(o.memory),
		})
	}
	applications := table{columns: []column{
		{title: p.tell("应用", "Application"), in: everywhere, width: 30}, {title: p.tell("应用编码", "Code"), in: everywhere, width: 22}, {title: p.tell("单位", "Department"), in: everywhere, width: 26},
		{title: p.tell("类别", "Class"), in: everywhere, width: 8}, {title: p.tell("联系人", "Contact"), in: everywhere, width: 12}, {title: p.tell("资源", "Resources"), kind: whole, in: everywhere},
	}, empty: p.tell("没有应用", "No applications")}
	for _, x := range d.Applications {
		applications.rows = append(applications.rows, []cell{
			text(clean(x.Name)), orDash(clean(x.Code)), text(clean(x.Department)), orDash(clean(x.Class)), orDash(clean(x.Contact.Name)), count(byApplication[[2]string{x.Department, x.Name}]),
		})
	}
	for i, s := range []struct {
		title string
		table table
	}{{p.tell("单位（%d）", "Departments (%d)", len(d.Departments)), departments}, {p.tell("应用（%d）", "Applications (%d)", len(d.Applications)), applications}} {
		if i > 0 {
			t.line("")
		}
		t.line(ordinal(i+1, lang) + s.title)
		t.line(strings.Repeat("-", textWidth))
		t.table(s.table, p)
	}
	var missing []string // named by tags, and told of nothing
	for name := range byDepartment {
		if _, known := d.Department(name); name != "" && !known {
			missing = append(missing, clean(name))
		}
	}
	slices.Sort(missing)
	if unreached > 0 {
		t.line("")
		t.paragraph("", p.sentences([]string{p.tell("%d个单位没有邮箱：签发的通知与提醒发给所涉应用的负责人，没有的发不出", "%d department(s) without an e-mail address: what is told goes to the contacts of the applications concerned, else to nobody", unreached)}))
	}
	if len(missing) > 0 {
		t.line("")
		t.paragraph("", p.sentences([]string{p.tell("资源标注了单位表中没有的单位，通知发不出：%s", "Resources name departments that are not in the directory, and cannot be told: %s", p.join(missing))}))
	}
	if o := byDepartment[""]; o != nil {
		t.line("")
		t.paragraph("", p.sentences([]string{p.tell("另有%d个资源归属未知：`yunjian owner queue`", "%d resource(s) without an owner: `yunjian owner queue`", o.resources)}))
	}
	return t.w.Flush()
}

// MaskOwners is a directory with every telephone masked.
func MaskOwners(d ownership.Directory) ownership.Directory {
	d.Departments, d.Applications = slices.Clone(d.Departments), slices.Clone(d.Applications)
	for i := range d.Departments {
		d.Departments[i].Contact.Phone = masked(d.Departments[i].Contact.Phone)
	}
	for i := range d.Applications {
		d.Applications[i].Contact.Phone = masked(d.Applications[i].Contact.Phone)
	}
	return d
}

// MaskPhone hides the middle of a telephone number: 138****1234.
func MaskPhone(phone string) string { return masked(phone) }

// masked hides the middle of a telephone number: 138****1234.
func masked(phone string) string {
	digits := 0
	for _, r := range phone {
		if r >= '0' && r <= '9' {
			digits++
		}
	}
	if digits < 7 {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return '*'
			}
			return r
		}, phone)
	}
	n := 0
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return r
		}
		n++
		if n > digits-8 && n <= digits-4 {
			return '*'
		}
		return r
	}, phone)
}

// WriteOwnerQueue writes the resources without an owner for a terminal.
func WriteOwnerQueue(w io.Writer, queue []ownership.Orphan, lang Lang) error {
	p := prose{lang: lang}
	t := &page{w: bufio.NewWriter(w)}
	if len(queue) == 0 {
		t.paragraph("", p.sentences([]string{p.tell("每个资源都有归属", "Every resource has an owner")}))
		return t.w.Flush()
	}
	t.paragraph("", p.sentences([]string{
		p.tell("%d个资源归属未知：不通知任何单位，也不计入任何单位", "%d resource(s) without an owner: no department is told of them, and they count for none", len(queue)),
		p.tell("“线索”只供参考，确认后用 `yunjian owner assign` 指定", "hints are hints: assign after confirming, with `yunjian owner assign`"),
	}))
	t.line("")
	x := table{columns: []column{
		{title: p.tell("资源", "Resource"), in: everywhere, width: 40}, {title: p.tell("类型", "Kind"), in: everywhere}, {title: p.tell("规格", "Size"), in: everywhere}, {title: p.tell("线索", "Hints"), in: everywhere, width: 50, fold: true},
	}}
	for _, o := range queue {
		r := o.Resource
		resource := text(clean(r.ID))
		if r.Name != "" && r.Name != r.ID {
			resource = cell{text: clean(r.Name), sub: clean(r.ID)}
		}
		var hints []string
		for _, h := range o.Hints {
			hints = append(hints, p.hint(h))
		}
		x.rows = append(x.rows, []cell{resource, text(name(p, kindNames, r.Kind)), orDash(p.spec(r.VCPU, r.MemoryGiB, r.StorageGiB)), orDash(p.clauses(hints))})
	}
	t.table(x, p)
	return t.w.Flush()
}

func (p prose) hint(h ownership.Hint) string {
	whose := clean(h.Department)
	if h.Application != "" {
		whose += "/" + clean(h.Application)
	}
	of := clean(h.Of)
	switch h.By {
	case ownership.ByInstance:
		return p.tell("%s（挂在 %s）", "%s (attached to %s)", whose, of)
	case ownership.ByHAGroup:
		return p.tell("%s（同一高可用组 %s，%d个）", "%s (HA group %s, %d)", whose, of, h.Alike)
	case ownership.ByGroup:
		return p.tell("%s（同一资源组 %s，%d个）", "%s (resource group %s, %d)", whose, of, h.Alike)
	case ownership.ByName:
		return p.tell("%s（名称同以 %s 开头，%d个）", "%s (names begin with %s, %d)", whose, of, h.Alike)
	default:
		return p.tell("%s（同一网段 %s，%d个）", "%s (subnet %s, %d)", whose, of, h.Alike)
	}
}

// OwnersChanged says in a line what became of owners.
func OwnersChanged(changes []cloud.Change) string {
	return fmt.Sprintf("归属变化 owners changed: %d", len(changes))
}
