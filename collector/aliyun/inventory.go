package aliyun

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/price"
)

// listing is one Describe action that returns resources of a kind.
type listing struct {
	kind         cloud.Kind
	product      product
	action       string
	outer, inner string
	size         int  // elements a page, the most that the API gives
	tokens       bool // pages by NextToken on public cloud; else, and on Apsara Stack, by PageNumber
	read         func(record) (cloud.Resource, bool)
}

// Page sizes: ECS and VPC API references.
var listings = []listing{
	{cloud.Instance, ecs, "DescribeInstances", "Instances", "Instance", 100, true, instance},
	{cloud.Disk, ecs, "DescribeDisks", "Disks", "Disk", 100, true, disk},
	{cloud.EIP, vpc, "DescribeEipAddresses", "EipAddresses", "EipAddress", 100, false, address},
}

const (
	emptyTries     = 4      // an empty page is asked for this often before it is believed
	maxListPages   = 20_000 // two million resources
	maxRestarts    = 3      // of a listing by numbers that shrinks while it is read
	typesPerPage   = 1600
	agentsPerCall  = 50
	codeUnproven   = "empty_unproven"
	codeIncomplete = "incomplete"
)

// scope is on whose behalf a call is made. Public cloud has one, empty; Apsara
// Stack one for each pair of organization and resource set.
type scope struct {
	organization, organizationName string
	group, groupName               string
}

// Inventory implements collector.Source. Permission is tried by a dry run
// before each listing, for without it ECS answers with an empty list.
func (s *Source) Inventory(ctx context.Context, now time.Time) (cloud.Inventory, error) {
	inv := cloud.Inventory{Cloud: s.options.Name, TakenAt: now.UTC()}
	types := map[string]cloud.InstanceType{}
	read := 0
	var failures []error
	for _, region := range s.options.Regions {
		scopes, err := s.scopes(ctx, region)
		if err != nil && broken(ctx, err) {
			return inv, fmt.Errorf("list organizations of %s: %w", region, err)
		}
		trouble := err
		catalogProblem, err := s.types(ctx, region, types)
		if err != nil {
			return inv, fmt.Errorf("list instance types of %s: %w", region, err)
		}
		for _, l := range listings {
			sc := cloud.Scope{Account: s.options.Account, Region: region, Kind: l.kind}
			found, err := s.listKind(ctx, region, l, scopes)
			if err == nil {
				err = trouble
			}
			if err != nil && broken(ctx, err) {
				return inv, fmt.Errorf("list %ss of %s: %w", l.kind, region, err)
			}
			if l.kind == cloud.Instance && len(found) > 0 {
				agentProblem, err := s.agents(ctx, region, found)
				if err != nil {
					return inv, fmt.Errorf("read agent statuses of %s: %w", region, err)
				}
				sc.Problem = join(catalogProblem, agentProblem)
				sc.Problem = strings.TrimSuffix(sc.Problem, "; ")
			}
			sc.Count, sc.Complete = len(found), err == nil
			if err != nil {
				sc.Problem, sc.Code = err.Error(), codeIncomplete
				if e := asError(err); e != nil {
					sc.Code = cmpString(e.Code, string(e.Class))
				}
				failures = append(failures, err)
			}
			if err == nil || len(found) > 0 {
				read++
			}
			inv.Resources = append(inv.Resources, found...)
			inv.Scopes = append(inv.Scopes, sc)
		}
	}
	if read == 0 {
		return inv, fmt.Errorf("read inventory of cloud %s: %w", s.options.Name, errors.Join(failures[:min(len(failures), 3)]...))
	}
	for _, t := range types {
		inv.Types = append(inv.Types, t)
	}
	inv.Resources = complete(inv.Resources, types)
	inv.Sort()
	return inv, nil
}

func cmpString(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// complete drops resources seen twice and fills in what one kind knows of
// another.
func complete(all []cloud.Resource, types map[string]cloud.InstanceType) []cloud.Resource {
	seen := map[string]bool{}
	public := map[string]string{}
	out := all[:0]
	for _, r := range all {
		key := string(r.Kind) + "/" + r.ID
		if seen[key] {
			continue
		}
		seen[key] = true
		if r.Kind == cloud.EIP && r.AttachedTo != "" {
			public[r.AttachedTo] = r.Attributes[attributePublicIP]
		}
		out = append(out, r)
	}
	storage := collector.AttachedStorage(out)
	for i := range out {
		r := &out[i]
		if r.Kind != cloud.Instance {
			continue
		}
		r.StorageGiB = storage[r.ID].GiB
		setAttribute(r, price.StorageCategory, storage[r.ID].Category)
		if r.Attributes[attributePublicIP] == "" {
			setAttribute(r, attributePublicIP, public[r.ID])
		}
		t, known := types[r.InstanceType]
		if !known {
			continue
		}
		r.Architecture = t.Architecture
		r.Burstable = r.Burstable || t.Burstable
		r.GPU = max(r.GPU, t.GPU)
		r.LocalStorageGiB = max(r.LocalStorageGiB, t.LocalStorageGiB)
	}
	return out
}

// listKind lists one kind in one region over all scopes. What was read before
// an error is returned with it.
func (s *Source) listKind(ctx context.Context, region string, l listing, scopes []scope) ([]cloud.Resource, error) {
	confirmed, err := s.dryRun(ctx, region, l, scopes[0])
	if err != nil {
		return nil, err
	}
	var found []cloud.Resource
	var failures []error
	for _, sc := range scopes {
		c := call{product: l.product, region: region, scope: sc, action: l.action}
		listed, err := s.list(ctx, c, l)
		for _, r := range listed {
			v, ok := l.read(r)
			if !ok {
				continue
			}
			v.Cloud, v.Account = s.options.Name, s.options.Account
			v.Region = cmpString(v.Region, region)
			v.ResourceGroup = cmpString(v.ResourceGroup, sc.group)
			setAttribute(&v, attributeOrganization, sc.organization)
			setAttribute(&v, attributeResourceSet, sc.group)
			s.options.Ownership.assign(s.owners, &v, sc)
			found = append(found, v)
		}
		if err != nil && broken(ctx, err) {
			return found, err
		}
		if err != nil {
			failures = append(failures, err)
		}
	}
	if len(failures) > 0 {
		return found, failures[0]
	}
	if len(found) == 0 && !confirmed {
		return nil, &Error{
			Action: l.action, Class: ClassPermission, Code: codeUnproven,
			Message: "the list is empty, and no dry run confirmed the permission to read it, so it may be empty for lack of permission: check the RAM policy of the access key",
		}
	}
	return found, nil
}

// dryRun asks whether the action is permitted. Platforms that do not know dry
// runs answer with the list itself, which proves nothing.
func (s *Source) dryRun(ctx context.Context, region string, l listing, sc scope) (bool, error) {
	c := call{product: l.product, region: region, scope: sc, action: l.action, query: map[string]string{"DryRun": "true", "PageSize": "10"}}
	err := s.try(ctx, nil, c, func(answer) error { return nil })
	if err == nil {
		return false, nil
	}
	switch e := asError(err); {
	case e == nil || ctx.Err() != nil:
		return false, err
	case e.Class == ClassDryRun:
		return true, nil
	case e.Class == ClassInvalid || e.Class == ClassNotFound:
		return false, nil
	}
	return false, err
}

// list reads all pages of c. What was read before an error is returned with it.
func (s *Source) list(ctx context.Context, c call, l listing) (all []record, err error) {
	byToken := l.tokens && s.options.Apsara == nil
	next, seen := "", map[string]bool{}
	before, restarts := 0, 0
	for number := 1; ; number++ {
		if number > maxListPages {
			return all, &Error{Action: c.action, Class: ClassMalformed, Code: codeIncomplete, Message: fmt.Sprintf("more than %d pages", maxListPages)}
		}
		if byToken {
			c.query = map[string]string{"MaxResults": strconv.Itoa(l.size), "NextToken": next}
			if next == "" {
				delete(c.query, "NextToken")
			}
		} else {
			c.query = map[string]string{"PageSize": strconv.Itoa(l.size), "PageNumber": strconv.Itoa(number)}
		}
		var page []record
		following, total, empty := "", 0, 0
		err := s.try(ctx, nil, c, func(a answer) error {
			var top record
			var err error
			if page, top, err = elements(a.body, l.outer, l.inner); err != nil {
				return err
			}
			following, total = token(top.text("NextToken")), int(top.number("TotalCount"))
			switch {
			case byToken && following != "" && (following == next || seen[following]):
				return errors.New("the server repeats a NextToken")
			case !byToken && len(page) < l.size && len(all)+len(page) < total:
				return fmt.Errorf("page %d holds %d elements, %d of %d are still missing", number, len(page), total-len(all)-len(page), total)
			case len(page) == 0 && empty < emptyTries-1:
				empty++
				return errors.New("empty page")
			}
			return nil
		})
		if err != nil {
			return all, err
		}
		all = append(all, page...)
		if byToken {
			if following == "" {
				return all, nil
			}
			seen[next], next = true, following
			continue
		}
		if total > 0 && total < before {
			// Something was released meanwhile: pages have shifted, and what moved
			// to one already read was not seen.
			if restarts == maxRestarts {
				return all, &Error{Action: c.action, Class: ClassMalformed, Code: codeIncomplete, Message: "the list kept changing while it was read"}
			}
			all, before, number, restarts = nil, 0, 0, restarts+1
			continue
		}
		before = total
		if len(page) == 0 || len(all) >= total && (total > 0 || len(page) < l.size) {
			return all, nil
		}
	}
}

// types reads the sizes on offer. That they cannot be read is a problem for
// people, not the end: the error is for what ends the run.
func (s *Source) types(ctx context.Context, region string, into map[string]cloud.InstanceType) (string, error) {
	next, seen := "", map[string]bool{}
	c := call{product: ecs, region: region, action: "DescribeInstanceTypes"}
	for range maxListPages {
		c.query = map[string]string{}
		if s.options.Apsara == nil {
			c.query["MaxResults"] = strconv.Itoa(typesPerPage)
		}
		if next != "" {
			c.query["NextToken"] = next
		}
		var page []record
		following, empty := "", 0
		err := s.try(ctx, nil, c, func(a answer) error {
			var top record
			var err error
			if page, top, err = elements(a.body, "InstanceTypes", "InstanceType"); err != nil {
				return err
			}
			following = token(top.text("NextToken"))
			if following != "" && (following == next || seen[following]) {
				return errors.New("the server repeats a NextToken")
			}
			if len(page) == 0 && empty < emptyTries-1 {
				empty++
				return errors.New("empty page")
			}
			return nil
		})
		if err != nil {
			if broken(ctx, err) {
				return "", err
			}
			return "instance types could not be read, so no target sizes are known: " + err.Error(), nil
		}
		for _, r := range page {
			if t, ok := instanceType(r); ok {
				into[t.ID] = t
			}
		}
		if following == "" {
			break
		}
		seen[next], next = true, following
	}
	return "", nil
}

// agents fills in the state of the in-guest agent.
func (s *Source) agents(ctx context.Context, region string, found []cloud.Resource) (string, error) {
	index := map[string]int{}
	byScope := map[scope][]string{}
	var scopes []scope
	for i, r := range found {
		if _, twice := index[r.ID]; twice {
			continue
		}
		index[r.ID] = i
		sc := scopeOf(r)
		if byScope[sc] == nil {
			scopes = append(scopes, sc)
		}
		byScope[sc] = append(byScope[sc], r.ID)
	}
	for _, sc := range scopes {
		for part := range slices.Chunk(byScope[sc], agentsPerCall) {
			statuses, err := s.agentsOf(ctx, region, sc, part)
			if err != nil {
				if broken(ctx, err) {
					return "", err
				}
				return "agent statuses could not be read: " + err.Error(), nil
			}
			for _, id := range part {
				found[index[id]].Agent = agentStatus(statuses[id])
			}
		}
	}
	return "", nil
}

func (s *Source) agentsOf(ctx context.Context, region string, sc scope, ids []string) (map[string]string, error) {
	c := call{product: cms, region: region, scope: sc, action: "DescribeMonitoringAgentStatuses", query: map[string]string{"InstanceIds": strings.Join(ids, ",")}}
	out := map[string]string{}
	empty := 0
	err := s.try(ctx, nil, c, func(a answer) error {
		list, _, err := elements(a.body, "NodeStatusList", "NodeStatus")
		if err != nil {
			return err
		}
		if len(list) == 0 && empty < emptyTries-1 {
			empty++
			return errors.New("empty list")
		}
		clear(out)
		for _, r := range list {
			out[r.text("InstanceId")] = r.text("Status")
		}
		return nil
	})
	if e := asError(err); e != nil && e.Class == ClassInvalid && len(ids) > 1 {
		// How many ids a call takes is not documented.
		half := len(ids) / 2
		a, err := s.agentsOf(ctx, region, sc, ids[:half])
		if err != nil {
			return nil, err
		}
		b, err := s.agentsOf(ctx, region, sc, ids[half:])
		maps.Copy(a, b)
		return a, err
	}
	return out, err
}

// scopeOf is on whose behalf a resource is read.
func scopeOf(r cloud.Resource) scope {
	return scope{organization: r.Attributes[attributeOrganization], group: r.Attributes[attributeResourceSet]}
}
