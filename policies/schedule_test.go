package policies

import (
	"testing"

	"yunjian/cloud"
)

func TestSpoken(t *testing.T) {
	words := []string{"灾备", "dr", "db", "season"}
	for name, c := range map[string]struct {
		r    cloud.Resource
		want string
	}{
		"nothing said":               {cloud.Resource{Name: "门户-应用01"}, ""},
		"part of a Chinese name":     {cloud.Resource{Name: "示例异地灾备中心"}, "灾备"},
		"of the application":         {cloud.Resource{Application: "灾备演练"}, "灾备"},
		"a tag's value":              {cloud.Resource{Tags: map[string]string{"role": "DR"}}, "dr"},
		"a tag's key":                {cloud.Resource{Tags: map[string]string{"season": "03-01/06-30"}}, "season"},
		"a column of a file":         {cloud.Resource{Attributes: map[string]string{"资源类别": "灾备"}}, "灾备"},
		"a Latin word within others": {cloud.Resource{Name: "address-app", Tags: map[string]string{"hadr": "drive"}}, ""},
		"a Latin word with a number": {cloud.Resource{Name: "prod-db01"}, "db"},
		"a number before it":         {cloud.Resource{Name: "2db"}, ""},
		"beside Chinese":             {cloud.Resource{Name: "核心db库"}, "db"},
		"the second place counts":    {cloud.Resource{Name: "hdb db"}, "db"},
		"at the end":                 {cloud.Resource{Name: "app-dr"}, "dr"},
	} {
		got, ok := Spoken(words, c.r)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if w, ok := Spoken(nil, cloud.Resource{Name: "灾备"}); ok {
		t.Errorf("no words, yet %q", w)
	}
}
