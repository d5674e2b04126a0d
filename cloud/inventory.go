package cloud

import (
	"cmp"
	"slices"
	"time"
)

// Inventory is what one cloud held at one moment, and how completely that is
// known.
type Inventory struct {
	Cloud     string         `json:"cloud"`
	TakenAt   time.Time      `json:"taken_at"`
	Resources []Resource     `json:"resources"` // sorted by kind and id
	Types     []InstanceType `json:"types,omitempty"`
	Scopes    []Scope        `json:"scopes"` // every listing attempted, sorted
}

// Scope is one listing: the resources of one kind in one region of one
// account. Absence of a resource means release only within a complete scope.
type Scope struct {
	Account  string `json:"account"`
	Region   string `json:"region"`
	Kind     Kind   `json:"kind"`
	Complete bool   `json:"complete"`          // read to the end, with permission
	Problem  string `json:"problem,omitempty"` // why not, for people: what was found and what to do
	Code     string `json:"code,omitempty"`    // the cloud's own error code
	Count    int    `json:"count"`
	// Since is when it was first read to the end, as far as is kept; zero: never, or
	// nobody knows.
	Since time.Time `json:"since,omitzero"`
}

// Sort orders resources, types and scopes, so that equal inventories are equal
// bytes.
func (v *Inventory) Sort() {
	slices.SortFunc(v.Resources, func(a, b Resource) int {
		return cmp.Or(cmp.Compare(kindOrder(a.Kind), kindOrder(b.Kind)), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(v.Types, func(a, b InstanceType) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(v.Scopes, func(a, b Scope) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(kindOrder(a.Kind), kindOrder(b.Kind)))
	})
}

// Complete reports whether every scope was read to the end. No scope at all is
// not complete.
func (v Inventory) Complete() bool {
	for _, s := range v.Scopes {
		if !s.Complete {
			return false
		}
	}
	return len(v.Scopes) > 0
}

func kindOrder(k Kind) int { return slices.Index(Kinds(), k) }

// Catalog is the instance types a fleet may be resized to, by id.
type Catalog map[string]InstanceType

// NewCatalog indexes types by id; of two with one id the last counts.
func NewCatalog(types []InstanceType) Catalog {
	c := make(Catalog, len(types))
	for _, t := range types {
		c[t.ID] = t
	}
	return c
}

// Sorted returns the types ordered by vCPU, memory, id.
func (c Catalog) Sorted() []InstanceType {
	out := make([]InstanceType, 0, len(c))
	for _, t := range c {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b InstanceType) int {
		return cmp.Or(cmp.Compare(a.VCPU, b.VCPU), cmp.Compare(a.MemoryGiB, b.MemoryGiB), cmp.Compare(a.ID, b.ID))
	})
	return out
}
