package aliyun

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

const ascmPageSize = 100

// scopes lists on whose behalf the region is to be read. On public cloud, and
// where enumeration is off, that is one. An installation is read by pairs of
// organization and resource set, because without a resource set a call sees
// only the caller's own (Apsara Stack calling guide).
func (s *Source) scopes(ctx context.Context, region string) ([]scope, error) {
	a := s.options.Apsara
	if a == nil {
		return []scope{{}}, nil
	}
	own := []scope{{organization: a.Organization, group: a.ResourceGroup}}
	if !a.Enumerate {
		return own, nil
	}
	names := map[string]string{}
	err := s.ascmList(ctx, region, "GetOrganizationList", func(r record) {
		if id := r.text("id"); id != "" {
			names[id] = cmpString(r.text("name"), r.text("alias"))
		}
	})
	if err != nil {
		return own, err
	}
	var out []scope
	err = s.ascmList(ctx, region, "ListResourceGroup", func(r record) {
		sc := scope{
			organization: cmpString(r.text("organizationID"), r.text("organizationId")),
			group:        cmpString(r.text("id"), r.text("resourceGroupId")),
			groupName:    cmpString(r.text("resourceGroupName"), r.text("name")),
		}
		sc.organizationName = cmpString(names[sc.organization], r.text("organizationName"))
		if sc.organization != "" && sc.group != "" {
			out = append(out, sc)
		}
	})
	if err != nil {
		return own, err
	}
	if len(out) == 0 {
		return own, &Error{Action: "ListResourceGroup", Class: ClassPermission, Code: codeUnproven, Message: "no resource set is visible: check the role of the access key in ASCM"}
	}
	return out, nil
}

// ascmList reads all pages of an ASCM action. Its answers carry a list named
// data, and pageInfo where they come in pages.
func (s *Source) ascmList(ctx context.Context, region, action string, visit func(record)) error {
	for number := 1; number <= maxListPages; number++ {
		c := call{product: ascm, region: region, action: action, query: map[string]string{
			"PageNumber": strconv.Itoa(number), "PageSize": strconv.Itoa(ascmPageSize),
			"pageNumber": strconv.Itoa(number), "pageSize": strconv.Itoa(ascmPageSize),
		}}
		var page []record
		pages, empty := 1, 0
		err := s.try(ctx, nil, c, func(a answer) error {
			var top record
			var err error
			if page, top, err = elements(a.body, "data", "data"); err != nil {
				return err
			}
			info := top.object("pageInfo")
			pages = int(info.number("totalPage"))
			if total := int(info.number("total")); pages == 0 && total > 0 {
				pages = (total + ascmPageSize - 1) / ascmPageSize
			}
			if len(page) == 0 && empty < emptyTries-1 {
				empty++
				return errors.New("empty list")
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("enumerate the installation: %w", err)
		}
		for _, r := range page {
			visit(r)
		}
		if number >= pages || len(page) == 0 {
			return nil
		}
	}
	return nil
}
