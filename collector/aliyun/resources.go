package aliyun

import (
	"strings"

	"yunjian/cloud"
	"yunjian/price"
)

// Attributes that resources of this source carry, beside those that prices
// depend on: price.InternetChargeType, price.BandwidthPackage,
// price.StorageCategory.
const (
	attributePublicIP     = "public_ip"
	attributeStoppedMode  = "stopped_mode"
	attributeOrganization = "organization_id" // Apsara Stack
	attributeResourceSet  = "resource_set_id" // Apsara Stack
)

// instance reads one element of DescribeInstances. Memory is in MiB there.
func instance(r record) (cloud.Resource, bool) {
	v := cloud.Resource{
		Kind: cloud.Instance, ID: r.text("InstanceId"), Name: r.text("InstanceName"),
		Region: r.text("RegionId"), Zone: r.text("ZoneId"), ResourceGroup: r.text("ResourceGroupId"),
		Status: instanceStatus(r.text("Status")), ChargeType: chargeType(r.text("InstanceChargeType")),
		CreatedAt: r.time("CreationTime"), InstanceType: r.text("InstanceType"),
		VCPU: int(r.number("Cpu")), MemoryGiB: r.number("Memory") / 1024,
		LocalStorageGiB: r.number("LocalStorageCapacity") * max(1, r.number("LocalStorageAmount")),
		GPU:             int(r.number("GPUAmount")), Burstable: r.text("CreditSpecification") != "",
		OS: r.text("OSName"), HAGroup: r.text("DeploymentSetId"), Tags: r.tags(),
	}
	if v.VCPU == 0 {
		v.VCPU = int(r.number("CPU"))
	}
	if v.ChargeType == cloud.Prepaid {
		v.ExpiresAt = r.time("ExpiredTime")
	}
	v.PrivateIP = r.object("VpcAttributes").first("PrivateIpAddress", "IpAddress")
	if v.PrivateIP == "" {
		v.PrivateIP = r.first("InnerIpAddress", "IpAddress")
	}
	public := r.object("EipAddress").text("IpAddress")
	if public == "" {
		public = r.first("PublicIpAddress", "IpAddress")
	}
	setAttribute(&v, attributePublicIP, public)
	if mode := r.text("StoppedMode"); v.Status == cloud.PoweredOff && mode != "Not-applicable" {
		setAttribute(&v, attributeStoppedMode, mode)
	}
	return v, v.ID != ""
}

// disk reads one element of DescribeDisks.
func disk(r record) (cloud.Resource, bool) {
	v := cloud.Resource{
		Kind: cloud.Disk, ID: r.text("DiskId"), Name: r.text("DiskName"),
		Region: r.text("RegionId"), Zone: r.text("ZoneId"), ResourceGroup: r.text("ResourceGroupId"),
		Status: attachedStatus(r.text("Status")), ChargeType: chargeType(r.text("DiskChargeType")),
		CreatedAt: r.time("CreationTime"), StorageGiB: r.number("Size"),
		Category: r.text("Category"), AttachedTo: r.text("InstanceId"),
		System: r.text("Type") == "system", Tags: r.tags(),
	}
	if v.ChargeType == cloud.Prepaid {
		v.ExpiresAt = r.time("ExpiredTime")
	}
	if level := r.text("PerformanceLevel"); level != "" && strings.HasPrefix(v.Category, "cloud_essd") && v.Category != "cloud_essd_entry" {
		v.Category += "/" + level
	}
	if v.AttachedTo == "" && v.Status == cloud.InUse {
		for _, a := range r.records("Attachments", "Attachment") {
			v.AttachedTo = a.text("InstanceId")
			break
		}
	}
	if v.Status == cloud.Available {
		v.DetachedAt = r.time("DetachedTime")
	}
	return v, v.ID != ""
}

// address reads one element of DescribeEipAddresses. Bandwidth is text there.
func address(r record) (cloud.Resource, bool) {
	v := cloud.Resource{
		Kind: cloud.EIP, ID: r.text("AllocationId"), Name: r.text("Name"),
		Region: r.text("RegionId"), ResourceGroup: r.text("ResourceGroupId"),
		Status: attachedStatus(r.text("Status")), ChargeType: chargeType(r.text("ChargeType")),
		CreatedAt: r.time("AllocationTime"), BandwidthMbps: r.number("Bandwidth"),
		AttachedTo: r.text("InstanceId"), Tags: r.tags(),
	}
	if v.ChargeType == cloud.Prepaid {
		v.ExpiresAt = r.time("ExpiredTime")
	}
	setAttribute(&v, attributePublicIP, r.text("IpAddress"))
	setAttribute(&v, price.InternetChargeType, r.text("InternetChargeType"))
	setAttribute(&v, price.BandwidthPackage, r.text("BandwidthPackageId"))
	return v, v.ID != ""
}

// instanceType reads one element of DescribeInstanceTypes. Memory is in GiB
// there.
func instanceType(r record) (cloud.InstanceType, bool) {
	t := cloud.InstanceType{
		ID: r.text("InstanceTypeId"), Family: r.text("InstanceTypeFamily"),
		VCPU: int(r.number("CpuCoreCount")), MemoryGiB: r.number("MemorySize"),
		GPU:             int(r.number("GPUAmount")),
		LocalStorageGiB: r.number("LocalStorageCapacity") * max(1, r.number("LocalStorageAmount")),
		Burstable:       r.text("InstanceFamilyLevel") == "CreditEntryLevel",
	}
	switch strings.ToUpper(r.text("CpuArchitecture")) {
	case "X86", "X86_64":
		t.Architecture = "x86_64"
	case "ARM", "ARM64":
		t.Architecture = "arm64"
	case "LOONGARCH", "LOONG64":
		t.Architecture = "loong64"
	}
	return t, t.ID != ""
}

func setAttribute(r *cloud.Resource, key, value string) {
	if value == "" {
		return
	}
	if r.Attributes == nil {
		r.Attributes = map[string]string{}
	}
	r.Attributes[key] = value
}

func instanceStatus(s string) cloud.Status {
	switch s {
	case "":
		return ""
	case "Running":
		return cloud.Running
	case "Stopped":
		return cloud.PoweredOff
	}
	return cloud.Changing
}

func attachedStatus(s string) cloud.Status {
	switch s {
	case "":
		return ""
	case "In_use", "InUse":
		return cloud.InUse
	case "Available":
		return cloud.Available
	}
	return cloud.Changing
}

func chargeType(s string) cloud.ChargeType {
	switch strings.ToLower(s) {
	case "prepaid":
		return cloud.Prepaid
	case "postpaid":
		return cloud.Postpaid
	}
	return ""
}

// agentStatus reads the status words of DescribeMonitoringAgentStatuses; hosts
// that CloudMonitor has never heard from are missing in its answer.
func agentStatus(s string) cloud.AgentStatus {
	switch strings.ToLower(s) {
	case "running":
		return cloud.AgentRunning
	case "", "not_installed", "uninstalled":
		return cloud.AgentAbsent
	}
	return cloud.AgentStopped
}
