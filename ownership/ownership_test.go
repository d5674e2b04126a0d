package ownership

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"yunjian/cloud"
)

func directory() Directory {
	return Directory{
		Departments: []Department{{Name: "财政局", Aliases: []string{"市财政局", "CZJ"}}, {Name: "预算处", Parent: "财政局"}, {Name: "民政局"}},
		Applications: []Application{
			{Name: "预算编制", Code: "A330100", Aliases: []string{"预编"}, Department: "财政局"}, {Name: "门户", Department: "财政局"}, {Name: "门户", Code: "B2", Department: "民政局"},
		},
	}
}

func TestResolve(t *testing.T) {
	r := NewResolver(directory(), []Assignment{{ResourceID: "i-9", Department: "民政局", Application: "低保"}, {ResourceID: "i-8", Department: "民政局"}})
	for _, c := range []struct {
		name                    string
		of                      cloud.Resource
		department, application string
	}{
		{"as tagged", cloud.Resource{Department: "财政局", Application: "预算编制"}, "财政局", "预算编制"},
		{"another name of the department", cloud.Resource{Department: "czj", Application: "门户"}, "财政局", "门户"},
		{"wide letters and blanks", cloud.Resource{Department: " ＣＺＪ "}, "财政局", ""},
		{"another name of the application alone", cloud.Resource{Application: "预编"}, "财政局", "预算编制"},
		{"the code in the tag of the application", cloud.Resource{Department: "谁知道", Application: "a330100"}, "财政局", "预算编制"},
		{"the code in a tag of its own", cloud.Resource{Application: "门户", Tags: map[string]string{CodeTag: "B2"}}, "民政局", "门户"},
		{"a name of two departments is not guessed", cloud.Resource{Application: "门户"}, "", "门户"},
		{"a name of two departments, and whose", cloud.Resource{Department: "民政局", Application: "门户"}, "民政局", "门户"},
		{"unknown to the directory", cloud.Resource{Department: "水利局", Application: "防汛"}, "水利局", "防汛"},
		{"an application of another department", cloud.Resource{Department: "水利局", Application: "预编"}, "水利局", "预编"},
		{"nothing", cloud.Resource{}, "", ""},
		{"a department alone, and its own application", cloud.Resource{ID: "i-8", Application: "门户"}, "民政局", "门户"},
		{"a department alone, and the code of its application", cloud.Resource{ID: "i-8", Department: "财政局", Application: "B2"}, "民政局", "门户"},
		{"a department alone, and an application that nobody lists", cloud.Resource{ID: "i-8", Department: "财政局", Application: "防汛"}, "民政局", "防汛"},
		{"a department alone, and another's application", cloud.Resource{ID: "i-8", Department: "财政局", Application: "预编"}, "民政局", ""},
		{"a department alone, and the same department's", cloud.Resource{ID: "i-8", Department: "民政局", Application: "别的"}, "民政局", "别的"},
		{"assigned", cloud.Resource{ID: "i-9", Department: "财政局"}, "民政局", "低保"},
	} {
		if d, a := r.Resolve(c.of); d != c.department || a != c.application {
			t.Errorf("%s: %q %q, want %q %q", c.name, d, a, c.department, c.application)
		}
	}
	if d, a := (Resolver{}).Resolve(cloud.Resource{Department: "x", Application: "y"}); d != "x" || a != "y" {
		t.Errorf("without a directory %q %q", d, a)
	}
}

// What was resolved stays so: the stored inventory is joined again with each import.
func TestResolveTwice(t *testing.T) {
	words := []string{"", "财政局", "市财政局", "民政局", "预算编制", "预编", "门户", "A330100", "b2", "别的"}
	rapid.Check(t, func(t *rapid.T) {
		var assigned []Assignment
		if rapid.Bool().Draw(t, "assigned") {
			assigned = []Assignment{{Department: rapid.SampledFrom([]string{"财政局", "民政局"}).Draw(t, "to")}}
		}
		r := NewResolver(directory(), assigned)
		x := cloud.Resource{Department: rapid.SampledFrom(words).Draw(t, "d"), Application: rapid.SampledFrom(words).Draw(t, "a")}
		d, a := r.Resolve(x)
		if again, more := r.Resolve(cloud.Resource{Department: d, Application: a}); again != d || more != a {
			t.Fatalf("%v: %q %q, then %q %q", x, d, a, again, more)
		}
	})
}

func TestCheck(t *testing.T) {
	if p := directory().Check(); len(p) != 0 {
		t.Errorf("of a sound directory: %v", p)
	}
	bad := Directory{
		Departments: []Department{
			{Name: "甲"}, {Name: "甲"}, {Name: "乙", Aliases: []string{"甲"}}, {Name: "丙", Parent: "没有"}, {Name: "丁", Parent: "戊"}, {Name: "戊", Parent: "丁"},
		},
		Applications: []Application{{Name: "一", Department: "甲", Code: "X"}, {Name: "二", Department: "没有", Code: "x"}, {Name: "一", Department: "甲"}},
	}
	var got []string
	for _, p := range bad.Check() {
		got = append(got, p.Error())
	}
	want := []string{
		`丁: it is above itself; want departments without a ring`,
		`丙: the department above it, "没有", is not listed; want one of the departments`,
		`乙: the name "甲" is also that of 甲; want each name once`,
		`戊: it is above itself; want departments without a ring`,
		`没有/二: its department "没有" is not listed; want one of the departments`,
		`没有/二: the name "x" is also that of 甲/一; want each name once`,
		`甲: found twice; want each department once`,
	}
	slices.Sort(got)
	slices.Sort(want)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestQueue(t *testing.T) {
	fleet := []cloud.Resource{
		{ID: "d-1", Kind: cloud.Disk, AttachedTo: "i-1"},
		{ID: "i-1", Kind: cloud.Instance, Name: "预算-应用01", Department: "财政局", Application: "预算", HAGroup: "ha", PrivateIP: "10.0.0.5", ResourceGroup: "g"},
		{ID: "i-2", Kind: cloud.Instance, Name: "预算-应用02"},
		{ID: "i-3", Kind: cloud.Instance, Name: "x", HAGroup: "ha", PrivateIP: "10.0.0.6", ResourceGroup: "g"},
		{ID: "i-4", Kind: cloud.Instance, Name: "无人"},
		{ID: "i-5", Kind: cloud.Instance, Name: "门户7", Department: "民政局", PrivateIP: "10.0.0.7"},
		{ID: "i-6", Kind: cloud.Instance, Name: "门户8", PrivateIP: "fe80::1"},
	}
	var b strings.Builder
	for _, o := range Queue(fleet) {
		fmt.Fprintf(&b, "%s", o.Resource.ID)
		for _, h := range o.Hints {
			fmt.Fprintf(&b, " | %s/%s %s %s %d", h.Department, h.Application, h.By, h.Of, h.Alike)
		}
		b.WriteByte('\n')
	}
	want := `i-2 | 财政局/预算 name 预算 1
i-3 | 财政局/预算 ha_group ha 1 | 财政局/预算 resource_group g 1 | 民政局/ subnet 10.0.0.0/24 1
i-4
i-6 | 民政局/ name 门户 1
d-1 | 财政局/预算 instance 预算-应用01 1
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
