package simcloud

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
)

// listing pages through an action by one of the two modes and returns ids.
func (c *client) listing(action, id string, byToken bool, size int, query map[string]string) []string {
	c.t.Helper()
	var out []string
	q := map[string]string{}
	for k, v := range query {
		q[k] = v
	}
	for number := 1; ; number++ {
		if byToken {
			q["MaxResults"] = strconv.Itoa(size)
		} else {
			q["PageNumber"], q["PageSize"] = strconv.Itoa(number), strconv.Itoa(size)
		}
		var page map[string]json.RawMessage
		c.into(&page, action, q)
		var items []map[string]any
		for _, raw := range page {
			var inner map[string]json.RawMessage
			if json.Unmarshal(raw, &inner) == nil {
				for _, list := range inner {
					_ = json.Unmarshal(list, &items)
				}
			}
		}
		for _, item := range items {
			out = append(out, item[id].(string))
		}
		var token string
		_ = json.Unmarshal(page["NextToken"], &token)
		if byToken && token == "" || !byToken && len(items) < size {
			return out
		}
		q["NextToken"] = token
		if !byToken {
			delete(q, "NextToken")
		}
	}
}

func TestListingsAreCompleteInBothModes(t *testing.T) {
	e := smallEstate()
	c := serve(t, New(e, Options{}))
	want := map[cloud.Kind][]string{}
	for _, r := range e.Inventory(e.End()).Resources {
		want[r.Kind] = append(want[r.Kind], r.ID)
	}
	for _, l := range []struct {
		action, id string
		kind       cloud.Kind
		tokens     bool
	}{
		{"DescribeInstances", "InstanceId", cloud.Instance, true},
		{"DescribeDisks", "DiskId", cloud.Disk, true},
		{"DescribeEipAddresses", "AllocationId", cloud.EIP, false},
	} {
		if l.tokens {
			if diff := cmp.Diff(want[l.kind], c.listing(l.action, l.id, true, 10, nil)); diff != "" {
				t.Errorf("%s by NextToken (-world +listed):\n%s", l.action, diff)
			}
		}
		if diff := cmp.Diff(want[l.kind], c.listing(l.action, l.id, false, 7, nil)); diff != "" {
			t.Errorf("%s by PageNumber (-world +listed):\n%s", l.action, diff)
		}
	}
}

func TestPagingRules(t *testing.T) {
	e := smallEstate()
	c := serve(t, New(e, Options{}))
	size := func(query map[string]string) int {
		var got struct {
			Instances struct{ Instance []json.RawMessage }
		}
		c.into(&got, "DescribeInstances", query)
		return len(got.Instances.Instance)
	}
	for name, x := range map[string]struct {
		query map[string]string
		want  int
	}{
		"default page is 10":        {nil, 10},
		"MaxResults below 10 is 10": {map[string]string{"MaxResults": "3"}, 10},
		"MaxResults above all":      {map[string]string{"MaxResults": "1000"}, 60},
		"page past the end":         {map[string]string{"PageNumber": "9", "PageSize": "10"}, 0},
		"last page":                 {map[string]string{"PageNumber": "3", "PageSize": "25"}, 10},
		"empty array of ids":        {map[string]string{"InstanceIds": "[]"}, 0},
		"unknown id":                {map[string]string{"InstanceIds": `["i-none"]`}, 0},
	} {
		if got := size(x.query); got != x.want {
			t.Errorf("%s: %d instances, want %d", name, got, x.want)
		}
	}
	many := strings.Repeat(`"i-1",`, 100) + `"i-1"`
	for name, x := range map[string]struct {
		action string
		query  map[string]string
		want   string
	}{
		"both modes":         {"DescribeInstances", map[string]string{"MaxResults": "10", "PageNumber": "1"}, "400 InvalidParameter"},
		"PageSize above 100": {"DescribeInstances", map[string]string{"PageSize": "101"}, "400 InvalidParameter"},
		"invented token":     {"DescribeInstances", map[string]string{"NextToken": "caeba0bb"}, "400 InvalidParameter"},
		"ids not JSON":       {"DescribeInstances", map[string]string{"InstanceIds": "i-1,i-2"}, "400 InvalidParameter"},
		"101 ids":            {"DescribeInstances", map[string]string{"InstanceIds": "[" + many + "]"}, "400 InvalidParameter"},
		"unknown region":     {"DescribeInstances", map[string]string{"RegionId": "cn-nowhere"}, "404 InvalidRegionId.NotFound"},
		"11 types":           {"DescribeInstanceTypes", indexed("InstanceTypes", 11), "400 InvalidParameter"},
		"tags of nothing":    {"ListTagResources", map[string]string{"ResourceType": "planet"}, "400 InvalidParameter"},
	} {
		if got := c.refused(x.action, x.query); got != x.want {
			t.Errorf("%s: refused by %s, want %s", name, got, x.want)
		}
	}
	var first struct{ NextToken string }
	c.into(&first, "DescribeInstances", map[string]string{"MaxResults": "10"})
	if got, want := c.refused("DescribeInstances", map[string]string{"NextToken": first.NextToken, "Status": "Stopped"}), "400 InvalidParameter"; got != want {
		t.Errorf("a token with another filter: refused by %s, want %s", got, want)
	}
}

func indexed(name string, n int) map[string]string {
	out := map[string]string{}
	for i := 1; i <= n; i++ {
		out[name+"."+strconv.Itoa(i)] = "ecs.g7.large"
	}
	return out
}

func TestFilters(t *testing.T) {
	e := smallEstate()
	c := serve(t, New(e, Options{}))
	all := e.Inventory(e.End()).Resources
	some := all[slices.IndexFunc(all, func(r cloud.Resource) bool { return r.Department != "" && r.Kind == cloud.Instance })]
	check := func(name, action, id string, query map[string]string, keep func(cloud.Resource) bool) {
		t.Helper()
		var want []string
		for _, r := range all {
			if keep(r) {
				want = append(want, r.ID)
			}
		}
		if got := c.listing(action, id, false, 50, query); !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s lists %v, want %v", name, got, want)
		}
	}
	instances := func(keep func(cloud.Resource) bool) func(cloud.Resource) bool {
		return func(r cloud.Resource) bool { return r.Kind == cloud.Instance && keep(r) }
	}
	check("tag and value", "DescribeInstances", "InstanceId", map[string]string{"Tag.1.Key": "department", "Tag.1.Value": some.Department}, instances(func(r cloud.Resource) bool { return r.Department == some.Department }))
	check("tag of any value", "DescribeInstances", "InstanceId", map[string]string{"Tag.1.Key": "season"}, instances(func(r cloud.Resource) bool { return r.Tags["season"] != "" }))
	check("resource group", "DescribeInstances", "InstanceId", map[string]string{"ResourceGroupId": some.ResourceGroup}, instances(func(r cloud.Resource) bool { return r.ResourceGroup == some.ResourceGroup }))
	check("stopped", "DescribeInstances", "InstanceId", map[string]string{"Status": "Stopped"}, instances(func(r cloud.Resource) bool { return r.Status == cloud.PoweredOff }))
	check("ids", "DescribeInstances", "InstanceId", map[string]string{"InstanceIds": `["` + some.ID + `"]`}, func(r cloud.Resource) bool { return r.ID == some.ID })
	check("disks of an instance", "DescribeDisks", "DiskId", map[string]string{"InstanceId": some.ID}, func(r cloud.Resource) bool { return r.Kind == cloud.Disk && r.AttachedTo == some.ID })
	check("unattached disks", "DescribeDisks", "DiskId", map[string]string{"Status": "Available"}, func(r cloud.Resource) bool { return r.Kind == cloud.Disk && r.Status == cloud.Available })
	check("unbound addresses", "DescribeEipAddresses", "AllocationId", map[string]string{"Status": "Available"}, func(r cloud.Resource) bool { return r.Kind == cloud.EIP && r.Status == cloud.Available })
}

func TestUnknownFieldsAreLeftOut(t *testing.T) {
	c := serve(t, New(line("vm-0002", 1e9, 1), Options{}))
	var got struct {
		Instances struct{ Instance []map[string]any }
	}
	c.into(&got, "DescribeInstances", nil)
	want := []map[string]any{{"InstanceId": "vm-0002", "Cpu": 4.0, "Memory": 15872.0}}
	if diff := cmp.Diff(want, got.Instances.Instance); diff != "" {
		t.Errorf("a machine of known size alone (-want +got):\n%s", diff)
	}
}

func TestFieldsOfAnInstance(t *testing.T) {
	created := time.Date(2026, 3, 1, 8, 30, 0, 0, time.UTC)
	w := line("i-1", 1e9, 1)
	w.resources = []cloud.Resource{
		{ID: "i-1", Kind: cloud.Instance, Name: "示例", Region: "cn-hangzhou", Zone: "cn-hangzhou-h", ResourceGroup: "rg-1", Department: "示例局", Application: "示例系统",
			Status: cloud.PoweredOff, ChargeType: cloud.Postpaid, CreatedAt: created, InstanceType: "ecs.t6-c1m4.large", VCPU: 2, MemoryGiB: 8, Burstable: true,
			OS: "Windows Server 2022", PrivateIP: "10.0.0.1", HAGroup: "ds-1", LocalStorageGiB: 894,
			StoppedSince: created, ResizedAt: created},
		{ID: "eip-1", Kind: cloud.EIP, AttachedTo: "i-1", BandwidthMbps: 5, Region: "cn-hangzhou", Attributes: map[string]string{"internet_charge_type": "PayByTraffic"}},
	}
	c := serve(t, New(w, Options{}))
	var got struct {
		Instances struct{ Instance []map[string]any }
	}
	c.into(&got, "DescribeInstances", nil)
	want := map[string]any{
		"InstanceId": "i-1", "InstanceName": "示例", "RegionId": "cn-hangzhou", "ZoneId": "cn-hangzhou-h", "ResourceGroupId": "rg-1",
		"InstanceType": "ecs.t6-c1m4.large", "InstanceTypeFamily": "ecs.t6", "Cpu": 2.0, "Memory": 8192.0, "GPUAmount": 0.0,
		"LocalStorageAmount": 1.0, "LocalStorageCapacity": 894.0, "OSName": "Windows Server 2022", "OSType": "windows",
		"Status": "Stopped", "StoppedMode": "KeepCharging", "InstanceChargeType": "PostPaid", "CreationTime": "2026-03-01T08:30Z", "ExpiredTime": "2099-12-31T15:59Z",
		"CreditSpecification": "Standard", "DeploymentSetId": "ds-1",
		"VpcAttributes": map[string]any{"PrivateIpAddress": map[string]any{"IpAddress": []any{"10.0.0.1"}}},
		"EipAddress":    map[string]any{"AllocationId": "eip-1", "Bandwidth": 5.0, "InternetChargeType": "PayByTraffic"},
		"Tags": map[string]any{"Tag": []any{
			map[string]any{"TagKey": "application", "TagValue": "示例系统"}, map[string]any{"TagKey": "department", "TagValue": "示例局"}, map[string]any{"TagKey": "ha_group", "TagValue": "ds-1"},
		}},
	}
	if diff := cmp.Diff([]map[string]any{want}, got.Instances.Instance); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestDisksTypesRegionsTags(t *testing.T) {
	e := smallEstate()
	c := serve(t, New(e, Options{}))
	all := e.Inventory(e.End())
	t.Run("disk", func(t *testing.T) {
		var got struct{ Disks struct{ Disk []diskItem } }
		c.into(&got, "DescribeDisks", map[string]string{"Status": "Available", "MaxResults": "500"})
		for _, d := range got.Disks.Disk {
			if d.DetachedTime == "" || d.InstanceId != "" || d.Device != "" || len(d.Attachments.Attachment) != 0 {
				t.Errorf("unattached disk %+v", d)
			}
		}
		c.into(&got, "DescribeDisks", map[string]string{"Status": "In_use", "MaxResults": "500"})
		for _, d := range got.Disks.Disk {
			if d.DetachedTime != "" || d.InstanceId == "" || (d.Type == "system") != (d.Device == "/dev/xvda") {
				t.Errorf("attached disk %+v", d)
			}
		}
	})
	t.Run("types", func(t *testing.T) {
		var got struct {
			InstanceTypes struct{ InstanceType []typeItem }
		}
		c.into(&got, "DescribeInstanceTypes", nil)
		if len(got.InstanceTypes.InstanceType) != len(all.Types) {
			t.Errorf("%d types, want %d", len(got.InstanceTypes.InstanceType), len(all.Types))
		}
		c.into(&got, "DescribeInstanceTypes", map[string]string{"InstanceTypes.1": "ecs.g8y.large"})
		want := []typeItem{{InstanceTypeId: "ecs.g8y.large", InstanceTypeFamily: "ecs.g8y", CpuCoreCount: 2, MemorySize: "8", CpuArchitecture: "ARM", InstanceFamilyLevel: "EnterpriseLevel"}}
		if diff := cmp.Diff(want, got.InstanceTypes.InstanceType); diff != "" {
			t.Errorf("one type (-want +got):\n%s", diff)
		}
	})
	t.Run("types in pages", func(t *testing.T) {
		n := len(c.listing("DescribeInstanceTypes", "InstanceTypeId", true, 40, nil))
		if n != len(all.Types) {
			t.Errorf("%d types in pages of 40, want %d", n, len(all.Types))
		}
	})
	t.Run("regions", func(t *testing.T) {
		var got struct {
			Regions struct{ Region []struct{ RegionId string } }
		}
		c.into(&got, "DescribeRegions", nil)
		if len(got.Regions.Region) != 1 || got.Regions.Region[0].RegionId != "cn-hangzhou" {
			t.Errorf("regions %+v", got)
		}
	})
	t.Run("tags", func(t *testing.T) {
		want := 0
		for _, r := range all.Resources {
			if r.Kind == cloud.Instance {
				want += len(tagsOf(&r))
			}
		}
		if got := c.listing("ListTagResources", "ResourceId", true, 50, map[string]string{"ResourceType": "instance"}); len(got) != want {
			t.Errorf("%d tags listed, want %d", len(got), want)
		}
	})
}

func TestPermission(t *testing.T) {
	s := New(smallEstate(), Options{Denied: []string{"DescribeInstances", "DescribeEipAddresses", "DescribeMetricList"}})
	c := serve(t, s)
	for action, want := range map[string]string{
		"DescribeInstances": "403 Forbidden.RAM", "DescribeDisks": "400 DryRunOperation", "DescribeEipAddresses": "403 Forbidden.RAM",
	} {
		if got := c.refused(action, map[string]string{"DryRun": "true"}); got != want {
			t.Errorf("dry run of %s: %s, want %s", action, got, want)
		}
	}
	if ids := c.listing("DescribeInstances", "InstanceId", true, 100, nil); len(ids) != 0 {
		t.Errorf("without permission %d instances are listed, want an empty list", len(ids))
	}
	for _, action := range []string{"DescribeEipAddresses", "DescribeMetricList"} {
		if got, want := c.refused(action, nil), "403 Forbidden.RAM"; got != want {
			t.Errorf("%s without permission: %s, want %s", action, got, want)
		}
	}
	want := []string{"cms:DescribeMetricList", "ecs:DescribeDisks", "ecs:DescribeInstances", "vpc:DescribeEipAddresses"}
	if diff := cmp.Diff(want, s.Permissions()); diff != "" {
		t.Errorf("permissions needed (-want +got):\n%s", diff)
	}
	if n := s.Actions()["DescribeInstances"]; n != 2 {
		t.Errorf("DescribeInstances was seen %d times, want 2", n)
	}
}

func TestSetNowMovesTheInventory(t *testing.T) {
	e := smallEstate()
	s := New(e, Options{})
	c := serve(t, s)
	all := len(c.listing("DescribeInstances", "InstanceId", true, 100, nil))
	s.SetNow(e.End().AddDate(-5, 0, 0))
	if got := len(c.listing("DescribeInstances", "InstanceId", true, 100, nil)); got != 0 || all != 60 {
		t.Errorf("%d instances now and %d five years ago, want 60 and 0", all, got)
	}
}

func TestApsaraStack(t *testing.T) {
	e := smallEstate()
	s := New(e, Options{Apsara: &Apsara{RequireHeaders: true}})
	c := serve(t, s)
	headers := map[string]string{"x-acs-regionid": "cn-hangzhou", "x-acs-request-version": "v1", "x-acs-asapi-product": "Ecs"}
	call := func(action string, more, query map[string]string) (int, []byte) {
		r := c.request(action, query)
		for _, h := range []map[string]string{headers, more} {
			for k, v := range h {
				r.Headers[k] = v
			}
		}
		response, err := c.sdk.ProcessCommonRequest(r)
		if response == nil {
			t.Fatalf("%s: %v", action, err)
		}
		return response.GetHttpStatus(), response.GetHttpContentBytes()
	}
	var sets struct {
		Data []struct {
			ID             int `json:"id"`
			OrganizationID int `json:"organizationID"`
		} `json:"data"`
		PageInfo struct {
			Total     int `json:"total"`
			TotalPage int `json:"totalPage"`
		} `json:"pageInfo"`
	}
	_, body := call("ListResourceGroup", nil, map[string]string{"pageNumber": "1", "pageSize": "100"})
	if err := json.Unmarshal(body, &sets); err != nil || len(sets.Data) < 3 || sets.PageInfo.TotalPage != 1 {
		t.Fatalf("resource sets %s: %v", body, err)
	}
	seen := map[string]int{}
	for _, set := range sets.Data {
		_, body := call("DescribeInstances", map[string]string{"x-acs-organizationid": strconv.Itoa(set.OrganizationID), "x-acs-resourcegroupid": strconv.Itoa(set.ID)}, map[string]string{"PageSize": "100"})
		var got struct {
			Instances struct{ Instance []struct{ InstanceId string } }
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		for _, i := range got.Instances.Instance {
			seen[i.InstanceId]++
		}
	}
	for _, r := range e.Inventory(e.End()).Resources {
		if r.Kind == cloud.Instance && seen[r.ID] != 1 {
			t.Errorf("%s is in %d pairs of organization and resource set, want 1", r.ID, seen[r.ID])
		}
	}
	var orgs struct {
		Data []struct{ Name string } `json:"data"`
	}
	_, body = call("GetOrganizationList", nil, map[string]string{"pageSize": "100"})
	if err := json.Unmarshal(body, &orgs); err != nil || len(orgs.Data) < 3 {
		t.Errorf("organizations %s: %v", body, err)
	}

	for name, x := range map[string]struct {
		path  string
		drop  string
		more  map[string]string
		want  string
		camel bool
	}{
		"header missing at the product endpoint": {"", "x-acs-regionid", nil, "400 MissingHeader", false},
		"header missing at the ASAPI gateway":    {"/asapi/v3", "x-acs-regionid", nil, "400 MissingHeader", true},
		"unknown organization":                   {"", "", map[string]string{"x-acs-organizationid": "99"}, "403 Forbidden.Organization", false},
		"set without organization":               {"", "", map[string]string{"x-acs-resourcegroupid": "101"}, "400 InvalidOrganization", false},
		"set of another organization":            {"", "", map[string]string{"x-acs-organizationid": "1", "x-acs-resourcegroupid": "199"}, "403 Forbidden.ResourceGroup", false},
	} {
		r := c.request("DescribeInstances", nil)
		r.Domain += x.path
		for k, v := range headers {
			if k != x.drop {
				r.Headers[k] = v
			}
		}
		for k, v := range x.more {
			r.Headers[k] = v
		}
		response, _ := c.sdk.ProcessCommonRequest(r)
		var e struct {
			Code  string
			Asapi string `json:"asapiErrorCode"`
		}
		if err := json.Unmarshal(response.GetHttpContentBytes(), &e); err != nil {
			t.Fatal(err)
		}
		code := e.Code
		if x.camel {
			code = e.Asapi
		}
		if got := fmt.Sprintf("%d %s", response.GetHttpStatus(), code); got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
	if status, _ := call("DescribeInstances", nil, nil); status != http.StatusOK {
		t.Errorf("without organization: HTTP %d, want the caller's own", status)
	}
}
