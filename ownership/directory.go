package ownership

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"yunjian/cloud"
)

// Contact is somebody to write to. An export masks the telephone.
type Contact struct {
	Name  string `json:"name"`
	Phone string `json:"phone,omitempty"`
	Email string `json:"email,omitempty"`
}

// Department is a unit that owns applications (单位).
type Department struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"` // as tags and older lists call it
	Parent  string   `json:"parent,omitempty"`  // the department above it (主管部门)
	Contact Contact  `json:"contact,omitzero"`
	Signer  string   `json:"signer,omitempty"` // who answers for it (单位负责人)
}

// Application is a system of a department (应用).
type Application struct {
	Name       string   `json:"name"`
	Code       string   `json:"code,omitempty"` // the province's (IRS 应用编码, 一本账编码): the key by which it is joined
	Aliases    []string `json:"aliases,omitempty"`
	Department string   `json:"department"`
	Contact    Contact  `json:"contact,omitzero"`
	Class      string   `json:"class,omitempty"` // 生产, 测试, 开发, 灾备, 应急
	Protection string   `json:"protection,omitempty"`
}

// Directory is what is known of owners, in the order of names. The zero Directory knows
// nothing.
type Directory struct {
	Departments  []Department  `json:"departments"`
	Applications []Application `json:"applications"`
}

// Problem is one thing wrong with a directory: of an entry, by its name.
type Problem struct{ Of, Found, Allowed string }

func (p Problem) Error() string { return fmt.Sprintf("%s: %s; want %s", p.Of, p.Found, p.Allowed) }

// Check returns everything wrong: names used twice, applications of departments that
// nobody listed, and departments above one another in a ring.
func (d Directory) Check() []Problem {
	var out []Problem
	departments, names := map[string]Department{}, map[string]string{}
	claim := func(kind, of, name string) {
		key := kind + fold(name)
		switch before, used := names[key]; {
		case name == "" || used && before == of:
		case used:
			out = append(out, Problem{of, fmt.Sprintf("the name %q is also that of %s", name, before), "each name once"})
		default:
			names[key] = of
		}
	}
	for _, x := range d.Departments {
		if _, twice := departments[x.Name]; twice {
			out = append(out, Problem{x.Name, "found twice", "each department once"})
			continue
		}
		departments[x.Name] = x
		for _, n := range append([]string{x.Name}, x.Aliases...) {
			claim("department ", x.Name, n)
		}
	}
	for _, x := range d.Departments {
		seen := map[string]bool{}
		for at := x; at.Parent != "" && !seen[at.Name]; {
			seen[at.Name] = true
			above, known := departments[at.Parent]
			if !known {
				out = append(out, Problem{at.Name, fmt.Sprintf("the department above it, %q, is not listed", at.Parent), "one of the departments"})
				break
			}
			if above.Name == x.Name {
				out = append(out, Problem{x.Name, "it is above itself", "departments without a ring"})
				break
			}
			at = above
		}
	}
	for _, x := range d.Applications {
		of := x.Department + "/" + x.Name
		if _, known := departments[x.Department]; !known {
			out = append(out, Problem{of, fmt.Sprintf("its department %q is not listed", x.Department), "one of the departments"})
		}
		claim("code ", of, x.Code)
		// Two departments may have an application of one name.
		for _, n := range append([]string{x.Name}, x.Aliases...) {
			claim("application "+x.Department+" ", of, n)
		}
	}
	slices.SortStableFunc(out, func(a, b Problem) int { return cmp.Compare(a.Of, b.Of) })
	return slices.CompactFunc(out, func(a, b Problem) bool { return a == b })
}

// Sort orders departments and applications by name.
func (d *Directory) Sort() {
	slices.SortFunc(d.Departments, func(a, b Department) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Applications, func(a, b Application) int {
		return cmp.Or(cmp.Compare(a.Department, b.Department), cmp.Compare(a.Name, b.Name))
	})
}

// Department finds one by its name or another of its names.
func (d Directory) Department(name string) (Department, bool) {
	for _, x := range d.Departments {
		if named(name, x.Name, x.Aliases) {
			return x, true
		}
	}
	return Department{}, false
}

// fold makes names alike that people write differently: letter case, blanks, and wide
// forms of ASCII.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '\t' || r == 0x3000:
			return -1
		case r >= 0xff01 && r <= 0xff5e:
			r -= 0xfee0
		}
		return r
	}, strings.ToLower(s))
}

func named(name, own string, others []string) bool {
	if name == "" {
		return false
	}
	f := fold(name)
	return f == fold(own) || slices.ContainsFunc(others, func(o string) bool { return fold(o) == f })
}

// Assignment is what a person decided of one resource; it wins over all else. Where it
// names no application, the resource keeps the one that its tags lead to, if that may be
// the department's.
type Assignment struct {
	ResourceID  string `json:"resource_id"`
	Department  string `json:"department"`
	Application string `json:"application,omitempty"`
}

// CodeTag is the tag and the attribute in which a resource carries its application's
// code.
const CodeTag = "irs_app_code"

// Resolver joins resources to a directory.
type Resolver struct {
	assigned     map[string]Assignment
	departments  map[string]string // any name, folded → name
	codes        map[string]Application
	applications map[string][]Application // any name, folded
}

// NewResolver indexes a directory and what people assigned.
func NewResolver(d Directory, assignments []Assignment) Resolver {
	r := Resolver{map[string]Assignment{}, map[string]string{}, map[string]Application{}, map[string][]Application{}}
	for _, a := range assignments {
		r.assigned[a.ResourceID] = a
	}
	for _, x := range d.Departments {
		for _, n := range append([]string{x.Name}, x.Aliases...) {
			r.departments[fold(n)] = x.Name
		}
	}
	for _, x := range d.Applications {
		if x.Code != "" {
			r.codes[fold(x.Code)] = x
		}
		for _, n := range append([]string{x.Name}, x.Aliases...) {
			r.applications[fold(n)] = append(r.applications[fold(n)], x)
		}
	}
	return r
}

// Resolve returns the department and application that a resource belongs to: as somebody
// assigned it, else by its application's code, else by the names in its tags.
func (r Resolver) Resolve(x cloud.Resource) (department, application string) {
	if a, ok := r.assigned[x.ID]; ok {
		if a.Application != "" {
			return a.Department, a.Application
		}
		department, application = r.tagged(x)
		if department == "" || department == a.Department {
			return a.Department, application
		}
		return a.Department, r.named(a.Department, x.Application)
	}
	return r.tagged(x)
}

// tagged is the owner that the tags of a resource lead to.
func (r Resolver) tagged(x cloud.Resource) (department, application string) {
	for _, code := range []string{x.Tags[CodeTag], x.Attributes[CodeTag], x.Application} {
		if a, ok := r.codes[fold(code)]; ok && code != "" {
			return a.Department, a.Name
		}
	}
	department, application = x.Department, x.Application
	if name, ok := r.departments[fold(department)]; ok && department != "" {
		department = name
	}
	if application == "" {
		return department, ""
	}
	if a, ok := r.one(department, application); ok {
		return a.Department, a.Name
	}
	return department, application // nobody's, or of several departments: it is not guessed
}

// named is what a department calls an application, or what it is called where that knows
// none of the name.
func (r Resolver) named(department, application string) string {
	if a, ok := r.one(department, application); ok {
		return a.Name
	}
	if len(r.applications[fold(application)]) > 0 {
		return "" // it is another department's
	}
	return application
}

// one is the only application of a name, of a department where one is given.
func (r Resolver) one(department, application string) (Application, bool) {
	var of []Application
	for _, a := range r.applications[fold(application)] {
		if department == "" || a.Department == department {
			of = append(of, a)
		}
	}
	if len(of) != 1 {
		return Application{}, false
	}
	return of[0], true
}
