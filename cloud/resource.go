package cloud

import "time"

// Kind is the kind of a resource.
type Kind string

// The kinds that are audited.
const (
	Instance Kind = "instance" // a virtual machine
	Disk     Kind = "disk"     // a cloud disk, attached or not
	EIP      Kind = "eip"      // an elastic public IP address
)

// Kinds lists every kind in the order in which tables show them.
func Kinds() []Kind { return []Kind{Instance, Disk, EIP} }

// Status is the state of a resource as its cloud reports it; empty when the
// source did not say.
type Status string

// States of instances (Running, PoweredOff, Changing) and of disks and
// addresses (InUse, Available, Changing).
const (
	Running    Status = "running"
	PoweredOff Status = "stopped"
	InUse      Status = "in_use"
	Available  Status = "available" // exists, is paid for, is attached to nothing
	Changing   Status = "changing"  // starting, stopping, attaching, being created
)

// ChargeType is how a resource is paid for; empty when unknown.
type ChargeType string

// Charge types.
const (
	Prepaid  ChargeType = "prepaid"  // a subscription: stopping early saves nothing before renewal
	Postpaid ChargeType = "postpaid" // pay as you go
)

// AgentStatus is what is known of the in-guest monitoring agent.
type AgentStatus string

// Agent states; the empty string means nobody asked.
const (
	AgentRunning AgentStatus = "running"
	AgentStopped AgentStatus = "stopped" // installed, not running or abnormal
	AgentAbsent  AgentStatus = "absent"
)

// Resource is one thing an account pays for. One struct serves all kinds;
// fields that do not apply to a kind, or that the source did not give, are
// zero.
type Resource struct {
	ID   string `json:"resource_id"`
	Kind Kind   `json:"kind"`
	Name string `json:"name,omitempty"`

	Cloud         string `json:"cloud,omitempty"` // name of the cloud in the configuration
	Account       string `json:"account,omitempty"`
	Region        string `json:"region,omitempty"`
	Zone          string `json:"zone,omitempty"`
	ResourceGroup string `json:"resource_group,omitempty"`
	Department    string `json:"department,omitempty"`
	Application   string `json:"application,omitempty"`

	Status       Status     `json:"status,omitempty"`
	StoppedSince time.Time  `json:"stopped_since,omitzero"` // when a powered-off instance was first seen so, or when the source says it stopped
	ChargeType   ChargeType `json:"charge_type,omitempty"`
	ExpiresAt    time.Time  `json:"expires_at,omitzero"` // end of a prepaid term
	CreatedAt    time.Time  `json:"created_at,omitzero"`
	FirstSeen    time.Time  `json:"first_seen,omitzero"`
	LastSeen     time.Time  `json:"last_seen,omitzero"`
	ResizedAt    time.Time  `json:"resized_at,omitzero"` // last change of size known; history before it is another machine's

	// Instances.
	InstanceType    string      `json:"instance_type,omitempty"`
	Architecture    string      `json:"architecture,omitempty"` // x86_64, arm64, loong64
	VCPU            int         `json:"vcpu,omitempty"`
	MemoryGiB       float64     `json:"memory_gib,omitempty"`
	LocalStorageGiB float64     `json:"local_storage_gib,omitempty"` // disks of the host itself; such a machine cannot be resized
	GPU             int         `json:"gpu,omitempty"`
	Burstable       bool        `json:"burstable,omitempty"`
	OS              string      `json:"os,omitempty"`
	PrivateIP       string      `json:"private_ip,omitempty"`
	Agent           AgentStatus `json:"agent,omitempty"`
	HAGroup         string      `json:"ha_group,omitempty"`

	// StorageGiB is the size of a disk; for an instance the sum of the disks
	// attached to it, which are then also listed as disks of their own.
	StorageGiB float64 `json:"storage_gib,omitempty"`

	// Disks and addresses.
	Category      string    `json:"category,omitempty"`    // cloud_essd, cloud_efficiency, … with performance level: cloud_essd/PL1
	AttachedTo    string    `json:"attached_to,omitempty"` // instance id; empty with Status Available
	DetachedAt    time.Time `json:"detached_at,omitzero"`
	System        bool      `json:"system,omitempty"` // a boot disk
	BandwidthMbps float64   `json:"bandwidth_mbps,omitempty"`

	Tags       map[string]string `json:"tags,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"` // columns and fields kept as they came
}

// InstanceType is a size on offer.
type InstanceType struct {
	ID              string  `json:"instance_type"`
	Family          string  `json:"family"`
	VCPU            int     `json:"vcpu"`
	MemoryGiB       float64 `json:"memory_gib"`
	Architecture    string  `json:"architecture,omitempty"` // x86_64, arm64, loong64
	GPU             int     `json:"gpu,omitempty"`
	LocalStorageGiB float64 `json:"local_storage_gib,omitempty"`
	Burstable       bool    `json:"burstable,omitempty"`
}

// Change is one difference between two inventories of the same cloud, or one
// that the source reported itself.
type Change struct {
	ResourceID string    `json:"resource_id"`
	At         time.Time `json:"at"` // when it was observed: at the latest here
	Field      string    `json:"field"`
	From       string    `json:"from"`
	To         string    `json:"to"`
}

// Fields of Change.
const (
	ChangeCreated = "created" // first seen; From is empty
	ChangeGone    = "gone"    // absent from a listing that was read to the end; To is empty
	ChangeSize    = "size"    // "8 vCPU 32 GiB ecs.g7.2xlarge" → "4 vCPU …"; for a disk its GiB
	ChangeStatus  = "status"
	ChangeOwner   = "owner" // department/application
	ChangeAttach  = "attached_to"
)
