package bundle

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
	"yunjian/internal/sheet"
)

// tagPrefix marks a column that holds a tag.
const tagPrefix = "tag:"

// column is one known column of a table of T: set reads a cell that is not
// empty and returns what is allowed when it is not; get writes it, empty for
// missing.
type column[T any] struct {
	name string
	set  func(x *T, cell string) (allowed string)
	get  func(x *T) string
}

// inventoryColumns are the known columns of inventory.csv: first those of the
// published format, which are always written, then the rest.
var inventoryColumns = []column[cloud.Resource]{
	text("resource_id", func(r *cloud.Resource) *string { return &r.ID }),
	word("kind", func(r *cloud.Resource) *cloud.Kind { return &r.Kind }, cloud.Kinds()...),
	text("name", func(r *cloud.Resource) *string { return &r.Name }),
	text("account", func(r *cloud.Resource) *string { return &r.Account }),
	text("region", func(r *cloud.Resource) *string { return &r.Region }),
	text("zone", func(r *cloud.Resource) *string { return &r.Zone }),
	text("department", func(r *cloud.Resource) *string { return &r.Department }),
	text("application", func(r *cloud.Resource) *string { return &r.Application }),
	text("instance_type", func(r *cloud.Resource) *string { return &r.InstanceType }),
	whole("vcpu", func(r *cloud.Resource) *int { return &r.VCPU }),
	number("memory_gib", func(r *cloud.Resource) *float64 { return &r.MemoryGiB }),
	number("storage_gib", func(r *cloud.Resource) *float64 { return &r.StorageGiB }),
	word("status", func(r *cloud.Resource) *cloud.Status { return &r.Status }, cloud.Running, cloud.PoweredOff, cloud.InUse, cloud.Available, cloud.Changing),
	word("charge_type", func(r *cloud.Resource) *cloud.ChargeType { return &r.ChargeType }, cloud.Prepaid, cloud.Postpaid),
	instant("created_at", func(r *cloud.Resource) *time.Time { return &r.CreatedAt }),
	instant("first_seen", func(r *cloud.Resource) *time.Time { return &r.FirstSeen }),
	instant("last_seen", func(r *cloud.Resource) *time.Time { return &r.LastSeen }),

	text("resource_group", func(r *cloud.Resource) *string { return &r.ResourceGroup }),
	instant("stopped_since", func(r *cloud.Resource) *time.Time { return &r.StoppedSince }),
	instant("expires_at", func(r *cloud.Resource) *time.Time { return &r.ExpiresAt }),
	instant("resized_at", func(r *cloud.Resource) *time.Time { return &r.ResizedAt }),
	architecture("architecture", func(r *cloud.Resource) *string { return &r.Architecture }),
	number("local_storage_gib", func(r *cloud.Resource) *float64 { return &r.LocalStorageGiB }),
	whole("gpu", func(r *cloud.Resource) *int { return &r.GPU }),
	yesNo("burstable", func(r *cloud.Resource) *bool { return &r.Burstable }),
	text("os", func(r *cloud.Resource) *string { return &r.OS }),
	text("private_ip", func(r *cloud.Resource) *string { return &r.PrivateIP }),
	word("agent", func(r *cloud.Resource) *cloud.AgentStatus { return &r.Agent }, cloud.AgentRunning, cloud.AgentStopped, cloud.AgentAbsent),
	text("ha_group", func(r *cloud.Resource) *string { return &r.HAGroup }),
	text("category", func(r *cloud.Resource) *string { return &r.Category }),
	text("attached_to", func(r *cloud.Resource) *string { return &r.AttachedTo }),
	instant("detached_at", func(r *cloud.Resource) *time.Time { return &r.DetachedAt }),
	yesNo("system", func(r *cloud.Resource) *bool { return &r.System }),
	number("bandwidth_mbps", func(r *cloud.Resource) *float64 { return &r.BandwidthMbps }),
}

// contractColumns is how many of inventoryColumns are always written.
const contractColumns = 17

// typeColumns are the columns of instance_types.csv, all always written.
var typeColumns = []column[cloud.InstanceType]{
	text("instance_type", func(t *cloud.InstanceType) *string { return &t.ID }),
	text("family", func(t *cloud.InstanceType) *string { return &t.Family }),
	whole("vcpu", func(t *cloud.InstanceType) *int { return &t.VCPU }),
	number("memory_gib", func(t *cloud.InstanceType) *float64 { return &t.MemoryGiB }),
	architecture("architecture", func(t *cloud.InstanceType) *string { return &t.Architecture }),
	whole("gpu", func(t *cloud.InstanceType) *int { return &t.GPU }),
	number("local_storage_gib", func(t *cloud.InstanceType) *float64 { return &t.LocalStorageGiB }),
	yesNo("burstable", func(t *cloud.InstanceType) *bool { return &t.Burstable }),
}

func text[T any](name string, at func(*T) *string) column[T] {
	return column[T]{name,
		func(x *T, cell string) string {
			if len(cell) > sheet.MaxCellBytes {
				return fmt.Sprintf("at most %d bytes", sheet.MaxCellBytes)
			}
			*at(x) = cell
			return ""
		},
		func(x *T) string { return *at(x) },
	}
}

func word[T any, W ~string](name string, at func(*T) *W, allowed ...W) column[T] {
	return column[T]{name,
		func(x *T, cell string) string {
			if !slices.Contains(allowed, W(cell)) {
				return oneOf(allowed)
			}
			*at(x) = W(cell)
			return ""
		},
		func(x *T) string { return string(*at(x)) },
	}
}

func oneOf[W ~string](allowed []W) string {
	words := make([]string, len(allowed))
	for i, w := range allowed {
		words[i] = string(w)
	}
	return "one of " + strings.Join(words, ", ")
}

const largestWhole = 1_000_000

func whole[T any](name string, at func(*T) *int) column[T] {
	return column[T]{name,
		func(x *T, cell string) string {
			v, err := strconv.ParseFloat(cell, 64) // a workbook may store 4 as 4.0
			if err != nil || v != math.Trunc(v) || v < 0 || v > largestWhole {
				return fmt.Sprintf("a whole number from 0 to %d, or nothing where unknown", largestWhole)
			}
			*at(x) = int(v)
			return ""
		},
		func(x *T) string {
			if *at(x) == 0 {
				return ""
			}
			return strconv.Itoa(*at(x))
		},
	}
}

const largestNumber = 1e9

func number[T any](name string, at func(*T) *float64) column[T] {
	return column[T]{name,
		func(x *T, cell string) string {
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil || !(v >= 0 && v <= largestNumber) {
				return "a number from 0 to 1000000000, or nothing where unknown"
			}
			*at(x) = math.Abs(v) // −0 is 0
			return ""
		},
		func(x *T) string {
			if *at(x) == 0 {
				return ""
			}
			return strconv.FormatFloat(*at(x), 'f', -1, 64)
		},
	}
}

func yesNo[T any](name string, at func(*T) *bool) column[T] {
	return column[T]{name,
		func(x *T, cell string) string {
			switch strings.ToLower(cell) {
			case "true", "1":
				*at(x) = true
			case "false", "0":
				*at(x) = false
			default:
				return "true or false"
			}
			return ""
		},
		func(x *T) string {
			if *at(x) {
				return "true"
			}
			return ""
		},
	}
}

func architecture[T any](name string, at func(*T) *string) column[T] {
	return column[T]{name,
		func(x *T, cell string) string {
			switch strings.ToLower(cell) {
			case "x86_64", "amd64", "x86":
				*at(x) = "x86_64"
			case "arm64", "aarch64", "arm":
				*at(x) = "arm64"
			case "loong64", "loongarch64":
				*at(x) = "loong64"
			default:
				return "one of x86_64, arm64, loong64"
			}
			return ""
		},
		func(x *T) string { return *at(x) },
	}
}

const allowedInstant = "RFC 3339 such as 2026-11-01T08:00:00+08:00, or Unix seconds, of the years 2000 to 2099"

func instant[T any](name string, at func(*T) *time.Time) column[T] {
	return column[T]{name,
		func(x *T, cell string) string {
			t, ok := parseInstant(cell)
			if !ok {
				return allowedInstant
			}
			*at(x) = t
			return ""
		},
		func(x *T) string {
			if at(x).IsZero() {
				return ""
			}
			return at(x).UTC().Format(time.RFC3339Nano)
		},
	}
}

// Instants of a bundle lie in [firstInstant, endInstant): years 2000 to 2099.
// Milliseconds, spreadsheet dates and small numbers fall outside.
const (
	firstInstant = 946684800
	endInstant   = 4102444800
)

// parseInstant reads Unix seconds, RFC 3339, or the minutes form that Alibaba
// Cloud lists use (2017-12-10T04:04Z).
func parseInstant(cell string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, cell)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04Z07:00", cell)
	}
	if err != nil {
		v, numErr := strconv.ParseFloat(cell, 64)
		if numErr != nil || v != math.Trunc(v) || !(v >= firstInstant && v < endInstant) {
			return time.Time{}, false
		}
		t = time.Unix(int64(v), 0)
	}
	if s := t.Unix(); s < firstInstant || s >= endInstant {
		return time.Time{}, false
	}
	return t.UTC(), true
}

// checkID returns what a resource id may be, or "" when id is one. An id names
// a file of the samples folder, so it must not be able to leave it.
func checkID(id string) string {
	bad := func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) }
	switch {
	case len(id) > 200, strings.HasPrefix(id, "."), strings.ContainsFunc(id, bad):
		return `at most 200 bytes without / \ : * ? " < > | and control characters, not beginning with a dot (it names a file)`
	}
	return ""
}
