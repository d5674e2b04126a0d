package ownership

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"yunjian/cloud"
)

// Orphan is a resource without an owner, and what points at one.
type Orphan struct {
	Resource cloud.Resource `json:"resource"`
	// Hints are owners that resources like it have, the likeliest first.
	Hints []Hint `json:"hints"`
}

// Hint is an owner whom something points at.
type Hint struct {
	Department  string `json:"department"`
	Application string `json:"application,omitempty"`
	By          By     `json:"by"`
	Of          string `json:"of"` // what it has in common: the group, the beginning of the name, the instance
	Alike       int    `json:"alike"`
}

// By is what points at an owner.
type By string

// What points at an owner, the strongest first.
const (
	ByInstance By = "instance" // the disk or address was of this instance
	ByHAGroup  By = "ha_group"
	ByGroup    By = "resource_group"
	ByName     By = "name" // names begin alike
	BySubnet   By = "subnet"
)

// mostHints are told of one resource.
const mostHints = 3

// Queue lists the resources without a department, by kind and id, with what resources
// that are alike point at. Nothing is assigned by itself.
func Queue(fleet []cloud.Resource) []Orphan {
	type key struct {
		by By
		of string
	}
	type owner struct{ department, application string }
	owners := map[key]map[owner]int{}
	byID := map[string]cloud.Resource{}
	for _, r := range fleet {
		byID[r.ID] = r
	}
	keys := func(r cloud.Resource) (out []key) {
		for _, k := range []key{{ByHAGroup, r.HAGroup}, {ByGroup, r.ResourceGroup}, {ByName, stem(r.Name)}, {BySubnet, subnet(r.PrivateIP)}} {
			if k.of != "" {
				out = append(out, k)
			}
		}
		return out
	}
	for _, r := range fleet {
		if r.Department == "" {
			continue
		}
		for _, k := range keys(r) {
			if owners[k] == nil {
				owners[k] = map[owner]int{}
			}
			owners[k][owner{r.Department, r.Application}]++
		}
	}
	likeliest := map[key][]Hint{} // of each key that an orphan has, once
	hints := func(k key) []Hint {
		of, known := likeliest[k]
		if known {
			return of
		}
		for w, n := range owners[k] {
			of = append(of, Hint{w.department, w.application, k.by, k.of, n})
		}
		slices.SortFunc(of, func(a, b Hint) int {
			return cmp.Or(cmp.Compare(b.Alike, a.Alike), cmp.Compare(a.Department, b.Department), cmp.Compare(a.Application, b.Application))
		})
		of = slices.Clone(of[:min(len(of), mostHints)])
		likeliest[k] = of
		return of
	}
	var out []Orphan
	for _, r := range fleet {
		if r.Department != "" {
			continue
		}
		o := Orphan{Resource: r, Hints: []Hint{}}
		if host, ok := byID[r.AttachedTo]; ok && host.Department != "" {
			o.Hints = append(o.Hints, Hint{host.Department, host.Application, ByInstance, cmp.Or(host.Name, host.ID), 1})
		}
		for _, k := range keys(r) {
			o.Hints = append(o.Hints, hints(k)...)
		}
		o.Hints = o.Hints[:min(len(o.Hints), mostHints)]
		out = append(out, o)
	}
	slices.SortStableFunc(out, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(slices.Index(cloud.Kinds(), a.Resource.Kind), slices.Index(cloud.Kinds(), b.Resource.Kind)), cmp.Compare(a.Resource.ID, b.Resource.ID))
	})
	return out
}

// stem is a name without its last part: 示例系统-应用01 is of 示例系统. Empty where nothing
// separates one.
func stem(name string) string {
	i := strings.LastIndexAny(name, "-_.")
	if i <= 0 {
		trimmed := strings.TrimRightFunc(name, unicode.IsDigit)
		if trimmed == name {
			return ""
		}
		return trimmed
	}
	return name[:i]
}

// subnet is the first three parts of an IPv4 address.
func subnet(ip string) string {
	if i := strings.LastIndexByte(ip, '.'); i > 0 && strings.Count(ip, ".") == 3 {
		return ip[:i] + ".0/24"
	}
	return ""
}
