package simcloud

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"yunjian/cloud"
)

// Apsara makes the server behave as an installation of Apsara Stack: each
// department is an organization, each resource group within it a resource set,
// and a call sees what its headers name.
type Apsara struct {
	// RequireHeaders refuses calls without the headers that the calling guide
	// asks for on each request: x-acs-regionid, x-acs-request-version and
	// x-acs-asapi-product.
	RequireHeaders bool
}

// organization is one organization and its resource sets. The first, of id 1,
// is the root and the caller's own: it holds what belongs to no department.
type organization struct {
	id   int
	name string
	sets []resourceSet
}

type resourceSet struct {
	id    int
	group string // the world's resource group
}

func organizations(kinds map[cloud.Kind][]*cloud.Resource) []organization {
	groups := map[string]map[string]bool{"": {}}
	for _, list := range kinds {
		for _, r := range list {
			if groups[r.Department] == nil {
				groups[r.Department] = map[string]bool{}
			}
			groups[r.Department][r.ResourceGroup] = true
		}
	}
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []organization
	set := 0
	for i, name := range names {
		o := organization{id: i + 1, name: name}
		ids := make([]string, 0, len(groups[name]))
		for group := range groups[name] {
			ids = append(ids, group)
		}
		slices.Sort(ids)
		for _, group := range ids {
			set++
			o.sets = append(o.sets, resourceSet{100 + set, group})
		}
		out = append(out, o)
	}
	return out
}

// ascm reports whether the action enumerates the installation, which is not
// bound to an organization.
func ascm(action string) bool {
	return action == "GetOrganizationList" || action == "ListResourceGroup"
}

// apsaraScope reads on whose behalf a call is made: headers first, then the
// parameters that say the same.
func (s *Server) apsaraScope(c *call) *apiError {
	if s.o.Apsara == nil {
		return nil
	}
	if s.o.Apsara.RequireHeaders {
		for _, name := range []string{"x-acs-regionid", "x-acs-request-version", "x-acs-asapi-product"} {
			if c.header.Get(name) == "" {
				return refuse(http.StatusBadRequest, "MissingHeader", "The header "+name+" that is mandatory for processing this request is not supplied.")
			}
		}
	}
	if ascm(c.get("Action")) {
		return nil
	}
	org := cmp.Or(c.header.Get("x-acs-organizationid"), c.get("OrganizationId"), c.get("Department"))
	group := cmp.Or(c.header.Get("x-acs-resourcegroupid"), c.get("ResourceGroup"))
	if group != "" && org == "" {
		return refuse(http.StatusBadRequest, "InvalidOrganization", "A resource set needs its organization.")
	}
	i := slices.IndexFunc(c.snap.orgs, func(o organization) bool { return strconv.Itoa(o.id) == cmp.Or(org, "1") })
	if i < 0 {
		return refuse(http.StatusForbidden, "Forbidden.Organization", "The organization does not exist or is not yours.")
	}
	c.organization = &c.snap.orgs[i]
	if group == "" {
		return nil
	}
	j := slices.IndexFunc(c.organization.sets, func(r resourceSet) bool { return strconv.Itoa(r.id) == group })
	if j < 0 {
		return refuse(http.StatusForbidden, "Forbidden.ResourceGroup", "The resource set does not exist in this organization.")
	}
	c.set = &c.organization.sets[j]
	return nil
}

func (c *call) inOrganization(r *cloud.Resource) bool {
	if c.organization == nil {
		return true
	}
	return r.Department == c.organization.name && (c.set == nil || r.ResourceGroup == c.set.group)
}

// ascmPage is the frame of an ASCM answer.
type ascmPage struct {
	Success      bool   `json:"success"`
	AsapiSuccess bool   `json:"asapiSuccess"`
	Code         string `json:"code"`
	Message      string `json:"message"`
	RequestID    string `json:"requestId"`
	PageInfo     struct {
		Total       int `json:"total"`
		TotalPage   int `json:"totalPage"`
		PageSize    int `json:"pageSize"`
		CurrentPage int `json:"currentPage"`
	} `json:"pageInfo"`
	Data any `json:"data"`
}

// ascmAnswer cuts a page of items.
func ascmAnswer[T any](c *call, all []T) ([]byte, *apiError) {
	number := max(1, c.number("pageNumber", c.number("PageNumber", 1)))
	size := min(100, max(1, c.number("pageSize", c.number("PageSize", 10))))
	from := min(len(all), (number-1)*size)
	a := ascmPage{Success: true, AsapiSuccess: true, Code: "200", Message: "success", RequestID: c.requestID, Data: append([]T{}, all[from:min(len(all), from+size)]...)}
	a.PageInfo.Total, a.PageInfo.TotalPage = len(all), (len(all)+size-1)/size
	a.PageInfo.PageSize, a.PageInfo.CurrentPage = size, number
	return must(json.Marshal(a)), nil
}

func (s *Server) getOrganizationList(c *call) ([]byte, *apiError) {
	type item struct {
		ID       int    `json:"id"`
		ParentID int    `json:"parentId"`
		Name     string `json:"name"`
		Alias    string `json:"alias"`
		Level    string `json:"level"`
	}
	var all []item
	for i, o := range c.snap.orgs {
		v := item{ID: o.id, ParentID: 1, Name: o.name, Alias: o.name, Level: "1"}
		if i == 0 {
			v.ParentID, v.Name, v.Alias, v.Level = 0, "root", "root", "0"
		}
		all = append(all, v)
	}
	return ascmAnswer(c, all)
}

func (s *Server) listResourceGroup(c *call) ([]byte, *apiError) {
	type item struct {
		ID               int    `json:"id"`
		Name             string `json:"resourceGroupName"`
		OrganizationID   int    `json:"organizationID"`
		OrganizationName string `json:"organizationName"`
		RsID             string `json:"rsId"`
	}
	wanted := cmp.Or(c.get("organizationId"), strings.TrimSpace(c.get("OrganizationId")))
	var all []item
	for i, o := range c.snap.orgs {
		if wanted != "" && wanted != strconv.Itoa(o.id) {
			continue
		}
		name := o.name
		if i == 0 {
			name = "root"
		}
		for _, r := range o.sets {
			all = append(all, item{r.id, cmp.Or(r.group, "ResourceSet("+name+")"), o.id, name, "rs-" + strconv.Itoa(r.id)})
		}
	}
	return ascmAnswer(c, all)
}
