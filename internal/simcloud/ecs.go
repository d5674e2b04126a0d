package simcloud

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/price"
)

// Answers carry only what the world knows: a field it does not know is left
// out, as an older platform would.

type tag struct{ TagKey, TagValue string }

type tags struct {
	Tag []tag `json:"Tag"`
}

// number is a size whose exact text is kept.
type number = json.Number

func numberOf(v float64) number { return number(strconv.FormatFloat(v, 'f', -1, 64)) }

type addressList struct{ IpAddress []string }

type vpcAttributes struct{ PrivateIpAddress addressList }

type boundAddress struct {
	AllocationId       string
	InternetChargeType string `json:",omitempty"`
	Bandwidth          number `json:",omitempty"`
}

type instance struct {
	InstanceId           string
	InstanceName         string         `json:",omitempty"`
	RegionId             string         `json:",omitempty"`
	ZoneId               string         `json:",omitempty"`
	ResourceGroupId      string         `json:",omitempty"`
	InstanceType         string         `json:",omitempty"`
	InstanceTypeFamily   string         `json:",omitempty"`
	Cpu                  int            `json:",omitempty"`
	Memory               number         `json:",omitempty"` // MiB
	GPUAmount            *int           `json:",omitempty"`
	LocalStorageAmount   int            `json:",omitempty"`
	LocalStorageCapacity number         `json:",omitempty"` // GiB
	OSName               string         `json:",omitempty"`
	OSType               string         `json:",omitempty"`
	Status               string         `json:",omitempty"`
	StoppedMode          string         `json:",omitempty"`
	InstanceChargeType   string         `json:",omitempty"`
	CreationTime         string         `json:",omitempty"`
	ExpiredTime          string         `json:",omitempty"`
	CreditSpecification  string         `json:",omitempty"`
	DeploymentSetId      string         `json:",omitempty"`
	VpcAttributes        *vpcAttributes `json:",omitempty"`
	EipAddress           *boundAddress  `json:",omitempty"`
	Tags                 *tags          `json:",omitempty"`
}

const (
	minuteTime = "2006-01-02T15:04Z" // times of instances
	secondTime = "2006-01-02T15:04:05Z"
	never      = "2099-12-31T15:59Z" // end of a pay-as-you-go instance
)

func timeText(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(layout)
}

var chargeTypes = map[cloud.ChargeType]string{cloud.Prepaid: "PrePaid", cloud.Postpaid: "PostPaid"}

func (s *Server) instance(c *call, r *cloud.Resource) instance {
	v := instance{
		InstanceId: r.ID, InstanceName: r.Name, RegionId: r.Region, ZoneId: r.Zone, ResourceGroupId: r.ResourceGroup,
		InstanceType: r.InstanceType, Cpu: r.VCPU, OSName: r.OS,
		Status:             map[cloud.Status]string{cloud.Running: "Running", cloud.PoweredOff: "Stopped", cloud.Changing: "Starting"}[r.Status],
		InstanceChargeType: chargeTypes[r.ChargeType], CreationTime: timeText(r.CreatedAt, minuteTime), ExpiredTime: timeText(r.ExpiresAt, minuteTime),
		DeploymentSetId: r.HAGroup, Tags: instanceTags(r),
	}
	if r.MemoryGiB > 0 {
		v.Memory = numberOf(r.MemoryGiB * 1024)
	}
	if parts := strings.Split(r.InstanceType, "."); len(parts) == 3 {
		family, _, _ := strings.Cut(parts[1], "-")
		v.InstanceTypeFamily = parts[0] + "." + family
		gpu := r.GPU
		v.GPUAmount = &gpu // a named type says it, 0 included
	}
	if r.LocalStorageGiB > 0 {
		v.LocalStorageAmount, v.LocalStorageCapacity = 1, numberOf(r.LocalStorageGiB)
	}
	switch {
	case strings.Contains(strings.ToLower(r.OS), "windows"):
		v.OSType = "windows"
	case r.OS != "":
		v.OSType = "linux"
	}
	switch r.Status {
	case cloud.PoweredOff:
		v.StoppedMode = "KeepCharging"
	case cloud.Running:
		v.StoppedMode = "Not-applicable"
	}
	if r.ChargeType == cloud.Postpaid {
		v.ExpiredTime = never
	}
	if r.Burstable {
		v.CreditSpecification = "Standard"
	}
	if r.PrivateIP != "" {
		v.VpcAttributes = &vpcAttributes{addressList{[]string{r.PrivateIP}}}
	}
	if a := c.snap.addresses[r.ID]; a != nil {
		v.EipAddress = &boundAddress{AllocationId: a.ID, InternetChargeType: a.Attributes[price.InternetChargeType]}
		if a.BandwidthMbps > 0 {
			v.EipAddress.Bandwidth = numberOf(a.BandwidthMbps)
		}
	}
	return v
}

func instanceTags(r *cloud.Resource) *tags {
	all := tagsOf(r)
	if len(all) == 0 {
		return nil
	}
	out := &tags{}
	for _, key := range sortedKeys(all) {
		out.Tag = append(out.Tag, tag{key, all[key]})
	}
	return out
}

// listed is what every listing says of itself.
type listed struct {
	RequestId  string
	TotalCount int
	PageNumber int    `json:",omitempty"`
	PageSize   int    `json:",omitempty"`
	NextToken  string `json:",omitempty"`
	MaxResults int    `json:",omitempty"`
}

func (c *call) listed(n int, p page) listed {
	l := listed{RequestId: c.requestID, TotalCount: n, PageNumber: p.number, PageSize: p.size, NextToken: p.token}
	if p.size == 0 {
		l.TotalCount = 0 // means nothing in token mode
		l.MaxResults = c.number("MaxResults", 0)
	}
	return l
}

func (s *Server) describeInstances(c *call) ([]byte, *apiError) {
	if fail := c.checkRegion(); fail != nil {
		return nil, fail
	}
	f, fail := c.newFilter("InstanceIds")
	if fail != nil {
		return nil, fail
	}
	if status := c.get("Status"); status != "" {
		f.keep = append(f.keep, func(r *cloud.Resource) bool { return s.instance(c, r).Status == status })
	}
	all := c.list(cloud.Instance, f)
	p, fail := c.paging(len(all), 10, 100, 100)
	if fail != nil {
		return nil, fail
	}
	answer := struct {
		listed
		Instances struct{ Instance []instance }
	}{listed: c.listed(len(all), p)}
	answer.Instances.Instance = make([]instance, 0, p.to-p.from)
	for _, r := range all[p.from:p.to] {
		answer.Instances.Instance = append(answer.Instances.Instance, s.instance(c, r))
	}
	return must(json.Marshal(answer)), nil
}

type attachment struct{ InstanceId, Device string }

type diskItem struct {
	DiskId           string
	DiskName         string `json:",omitempty"`
	RegionId         string `json:",omitempty"`
	ZoneId           string `json:",omitempty"`
	ResourceGroupId  string `json:",omitempty"`
	Category         string `json:",omitempty"`
	PerformanceLevel string `json:",omitempty"`
	Size             number `json:",omitempty"` // GiB
	Type             string
	Status           string `json:",omitempty"`
	InstanceId       string
	Device           string
	DetachedTime     string
	DiskChargeType   string `json:",omitempty"`
	CreationTime     string `json:",omitempty"`
	ExpiredTime      string `json:",omitempty"`
	Attachments      struct{ Attachment []attachment }
	Tags             *tags `json:",omitempty"`
}

func (s *Server) diskItem(c *call, r *cloud.Resource) diskItem {
	v := diskItem{
		DiskId: r.ID, DiskName: r.Name, RegionId: r.Region, ZoneId: r.Zone, ResourceGroupId: r.ResourceGroup, Type: "data",
		Status:     map[cloud.Status]string{cloud.InUse: "In_use", cloud.Available: "Available", cloud.Changing: "Attaching"}[r.Status],
		InstanceId: r.AttachedTo, DetachedTime: timeText(r.DetachedAt, secondTime), DiskChargeType: chargeTypes[r.ChargeType],
		CreationTime: timeText(r.CreatedAt, secondTime), ExpiredTime: timeText(r.ExpiresAt, minuteTime), Tags: instanceTags(r),
	}
	v.Category, v.PerformanceLevel, _ = strings.Cut(r.Category, "/")
	if r.StorageGiB > 0 {
		v.Size = numberOf(r.StorageGiB)
	}
	if r.System {
		v.Type = "system"
	}
	if r.ChargeType == cloud.Postpaid {
		v.ExpiredTime = never
	}
	v.Attachments.Attachment = []attachment{}
	if r.AttachedTo != "" {
		v.Device = c.snap.device(r)
		v.Attachments.Attachment = []attachment{{r.AttachedTo, v.Device}}
	}
	return v
}

func (s *Server) describeDisks(c *call) ([]byte, *apiError) {
	if fail := c.checkRegion(); fail != nil {
		return nil, fail
	}
	f, fail := c.newFilter("DiskIds")
	if fail != nil {
		return nil, fail
	}
	if status := c.get("Status"); status != "" && status != "All" {
		f.keep = append(f.keep, func(r *cloud.Resource) bool { return s.diskItem(c, r).Status == status })
	}
	if id := c.get("InstanceId"); id != "" {
		f.keep = append(f.keep, func(r *cloud.Resource) bool { return r.AttachedTo == id })
	}
	all := c.list(cloud.Disk, f)
	p, fail := c.paging(len(all), 10, 500, 100)
	if fail != nil {
		return nil, fail
	}
	answer := struct {
		listed
		Disks struct{ Disk []diskItem }
	}{listed: c.listed(len(all), p)}
	answer.Disks.Disk = make([]diskItem, 0, p.to-p.from)
	for _, r := range all[p.from:p.to] {
		answer.Disks.Disk = append(answer.Disks.Disk, s.diskItem(c, r))
	}
	return must(json.Marshal(answer)), nil
}

type typeItem struct {
	InstanceTypeId, InstanceTypeFamily string
	CpuCoreCount                       int
	MemorySize                         number // GiB
	CpuArchitecture                    string `json:",omitempty"`
	InstanceFamilyLevel                string
	GPUAmount                          int
	LocalStorageAmount                 int    `json:",omitempty"`
	LocalStorageCapacity               number `json:",omitempty"` // GiB
}

func (s *Server) describeInstanceTypes(c *call) ([]byte, *apiError) {
	wanted := c.parameters.list("InstanceTypes")
	if len(wanted) > 10 {
		return nil, invalid("InstanceTypes", "at most 10")
	}
	var all []typeItem
	for _, t := range c.snap.types {
		if len(wanted) > 0 && !slices.Contains(wanted, t.ID) || c.get("InstanceTypeFamily") != "" && c.get("InstanceTypeFamily") != t.Family {
			continue
		}
		v := typeItem{
			InstanceTypeId: t.ID, InstanceTypeFamily: t.Family, CpuCoreCount: t.VCPU, MemorySize: numberOf(t.MemoryGiB),
			CpuArchitecture: map[string]string{"x86_64": "X86", "arm64": "ARM", "loong64": "LOONGARCH"}[t.Architecture], InstanceFamilyLevel: "EnterpriseLevel", GPUAmount: t.GPU,
		}
		if t.Burstable {
			v.InstanceFamilyLevel = "CreditEntryLevel"
		}
		if t.LocalStorageGiB > 0 {
			v.LocalStorageAmount, v.LocalStorageCapacity = 1, numberOf(t.LocalStorageGiB)
		}
		all = append(all, v)
	}
	size := min(1600, c.number("MaxResults", 1600))
	from := 0
	if token := c.get("NextToken"); token != "" {
		at, _, ok := c.readToken(token)
		if !ok || at > uint64(len(all)) {
			return nil, invalid("NextToken", "it belongs to another request")
		}
		from = int(at)
	}
	to := min(len(all), from+max(1, size))
	answer := struct {
		RequestId     string
		NextToken     string `json:",omitempty"`
		InstanceTypes struct{ InstanceType []typeItem }
	}{RequestId: c.requestID}
	if to < len(all) {
		answer.NextToken = c.nextToken(uint64(to), 0)
	}
	answer.InstanceTypes.InstanceType = append([]typeItem{}, all[from:to]...)
	return must(json.Marshal(answer)), nil
}

// regionNames are the names that DescribeRegions shows.
var regionNames = map[string]string{
	"cn-hangzhou": "华东1(杭州)", "cn-shanghai": "华东2(上海)", "cn-beijing": "华北2(北京)",
	"cn-north-2-gov-1": "华北2 政务云1", "cn-beijing-gov-1": "华北2 政务云", "cn-shenzhen": "华南1(深圳)",
}

func (s *Server) describeRegions(c *call) ([]byte, *apiError) {
	type region struct{ RegionId, LocalName, RegionEndpoint, Status string }
	ids := c.snap.regions
	if len(ids) == 0 { // the world knows no regions: the one asked in is there
		ids = []string{cmp.Or(c.region, "cn-hangzhou")}
	}
	answer := struct {
		RequestId string
		Regions   struct{ Region []region }
	}{RequestId: c.requestID}
	for _, id := range ids {
		answer.Regions.Region = append(answer.Regions.Region, region{id, cmp.Or(regionNames[id], id), "ecs." + id + ".aliyuncs.com", "available"})
	}
	return must(json.Marshal(answer)), nil
}

func (s *Server) listTagResources(c *call) ([]byte, *apiError) {
	type tagResource struct{ ResourceType, ResourceId, TagKey, TagValue string }
	if fail := c.checkRegion(); fail != nil {
		return nil, fail
	}
	kind, ok := map[string]cloud.Kind{"instance": cloud.Instance, "disk": cloud.Disk}[c.get("ResourceType")]
	if !ok {
		return nil, invalid("ResourceType", "want instance or disk")
	}
	f, fail := c.newFilter("")
	if fail != nil {
		return nil, fail
	}
	if ids := c.parameters.list("ResourceId"); len(ids) > 50 {
		return nil, invalid("ResourceId", "at most 50")
	} else if len(ids) > 0 {
		f.setIDs(ids)
	}
	var all []tagResource
	for _, r := range c.list(kind, f) {
		t := tagsOf(r)
		for _, key := range sortedKeys(t) {
			all = append(all, tagResource{c.get("ResourceType"), r.ID, key, t[key]})
		}
	}
	from := 0
	if token := c.get("NextToken"); token != "" {
		at, _, ok := c.readToken(token)
		if !ok || at > uint64(len(all)) {
			return nil, invalid("NextToken", "it belongs to another request or to another time")
		}
		from = int(at)
	}
	to := min(len(all), from+50)
	answer := struct {
		RequestId    string
		NextToken    string `json:",omitempty"`
		TagResources struct{ TagResource []tagResource }
	}{RequestId: c.requestID}
	if to < len(all) {
		answer.NextToken = c.nextToken(uint64(to), 0)
	}
	answer.TagResources.TagResource = append([]tagResource{}, all[from:to]...)
	return must(json.Marshal(answer)), nil
}

type eipTag struct{ Key, Value string }

type eipTags struct {
	Tag []eipTag `json:"Tag"`
}

type eipItem struct {
	AllocationId       string
	Name               string `json:",omitempty"`
	RegionId           string `json:",omitempty"`
	ResourceGroupId    string `json:",omitempty"`
	Status             string `json:",omitempty"`
	InstanceId         string
	InstanceType       string
	Bandwidth          string   `json:",omitempty"` // Mbit/s, as text
	InternetChargeType string   `json:",omitempty"`
	BandwidthPackageId string   `json:",omitempty"`
	ChargeType         string   `json:",omitempty"`
	AllocationTime     string   `json:",omitempty"`
	ExpiredTime        string   `json:",omitempty"`
	Tags               *eipTags `json:",omitempty"`
}

func (s *Server) describeEipAddresses(c *call) ([]byte, *apiError) {
	if fail := c.checkRegion(); fail != nil {
		return nil, fail
	}
	f, fail := c.newFilter("")
	if fail != nil {
		return nil, fail
	}
	if ids := c.get("AllocationId"); ids != "" {
		f.setIDs(strings.Split(ids, ","))
	}
	status := map[cloud.Status]string{cloud.InUse: "InUse", cloud.Available: "Available", cloud.Changing: "Associating"}
	if want := c.get("Status"); want != "" {
		f.keep = append(f.keep, func(r *cloud.Resource) bool { return status[r.Status] == want })
	}
	all := c.list(cloud.EIP, f)
	p, fail := c.paging(len(all), 0, 0, 100)
	if fail != nil {
		return nil, fail
	}
	answer := struct {
		listed
		EipAddresses struct{ EipAddress []eipItem }
	}{listed: c.listed(len(all), p)}
	answer.EipAddresses.EipAddress = make([]eipItem, 0, p.to-p.from)
	for _, r := range all[p.from:p.to] {
		v := eipItem{
			AllocationId: r.ID, Name: r.Name, RegionId: r.Region, ResourceGroupId: r.ResourceGroup, Status: status[r.Status],
			InstanceId: r.AttachedTo, ChargeType: chargeTypes[r.ChargeType],
			InternetChargeType: r.Attributes[price.InternetChargeType], BandwidthPackageId: r.Attributes[price.BandwidthPackage],
			AllocationTime: timeText(r.CreatedAt, secondTime), ExpiredTime: timeText(r.ExpiresAt, secondTime),
		}
		if r.AttachedTo != "" {
			v.InstanceType = "EcsInstance"
		}
		if r.BandwidthMbps > 0 {
			v.Bandwidth = strconv.FormatFloat(math.Round(r.BandwidthMbps), 'f', -1, 64)
		}
		if t := tagsOf(r); len(t) > 0 {
			v.Tags = &eipTags{}
			for _, key := range sortedKeys(t) {
				v.Tags.Tag = append(v.Tags.Tag, eipTag{key, t[key]})
			}
		}
		answer.EipAddresses.EipAddress = append(answer.EipAddresses.EipAddress, v)
	}
	return must(json.Marshal(answer)), nil
}
