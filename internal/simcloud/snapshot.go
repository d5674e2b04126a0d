package simcloud

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunjian/cloud"
)

// snapshot is the world at one present, indexed.
type snapshot struct {
	now       time.Time
	byID      map[string]*cloud.Resource
	kinds     map[cloud.Kind][]*cloud.Resource // ascending id
	disks     map[string][]*cloud.Resource     // of an instance: the system disk first
	addresses map[string]*cloud.Resource       // of an instance: its first EIP
	types     []cloud.InstanceType
	regions   []string
	metrics   []metric // that the world has
	orgs      []organization
}

func newSnapshot(w World, now time.Time) *snapshot {
	inv := w.Inventory(now)
	inv.Sort()
	s := &snapshot{
		now: now, byID: make(map[string]*cloud.Resource, len(inv.Resources)), kinds: map[cloud.Kind][]*cloud.Resource{},
		disks: map[string][]*cloud.Resource{}, addresses: map[string]*cloud.Resource{}, types: inv.Types,
	}
	regions := map[string]bool{}
	for i := range inv.Resources {
		r := &inv.Resources[i]
		s.byID[r.ID] = r
		s.kinds[r.Kind] = append(s.kinds[r.Kind], r)
		if r.Region != "" {
			regions[r.Region] = true
		}
		if r.AttachedTo == "" {
			continue
		}
		switch r.Kind {
		case cloud.Disk:
			s.disks[r.AttachedTo] = append(s.disks[r.AttachedTo], r)
		case cloud.EIP:
			if s.addresses[r.AttachedTo] == nil {
				s.addresses[r.AttachedTo] = r
			}
		}
	}
	for _, disks := range s.disks {
		slices.SortStableFunc(disks, func(a, b *cloud.Resource) int {
			switch {
			case a.System == b.System:
				return strings.Compare(a.ID, b.ID)
			case a.System:
				return -1
			default:
				return 1
			}
		})
	}
	s.regions = slices.Sorted(maps.Keys(regions))
	for _, m := range ecsMetrics {
		if slices.Contains(w.Metrics(), m.of) {
			s.metrics = append(s.metrics, m)
		}
	}
	s.orgs = organizations(s.kinds)
	return s
}

// device is the name by which the hypervisor knows a disk; the guest calls
// /dev/xvda vda.
func (s *snapshot) device(disk *cloud.Resource) string {
	i := slices.Index(s.disks[disk.AttachedTo], disk)
	if i < 0 || i > 25 {
		return ""
	}
	return "/dev/xvd" + string(rune('a'+i))
}

// visible reports whether the caller may see r and asked for its region. A
// resource whose region the world does not know is in whichever is asked for.
func (c *call) visible(r *cloud.Resource) bool {
	return (c.account == "" || r.Account == "" || r.Account == c.account) &&
		(r.Region == "" || r.Region == c.region) && c.inOrganization(r)
}

// checkRegion refuses a call without region or for one that is not there.
func (c *call) checkRegion() *apiError {
	if c.region == "" {
		return missing("RegionId")
	}
	if len(c.snap.regions) > 0 && !slices.Contains(c.snap.regions, c.region) {
		return refuse(http.StatusNotFound, "InvalidRegionId.NotFound", "The specified RegionId does not exist.")
	}
	return nil
}

// filter is what a listing was asked to keep.
type filter struct {
	ids     map[string]bool // nil: every id
	keep    []func(*cloud.Resource) bool
	nothing bool // an empty list of ids was given
}

// newFilter reads the filters that listings share; idsName is the parameter
// with the JSON array of ids.
func (c *call) newFilter(idsName string) (filter, *apiError) {
	var f filter
	if text, given := c.find(idsName); given {
		var ids []string
		if err := json.Unmarshal([]byte(text), &ids); err != nil {
			return f, invalid(idsName, "want a JSON array of ids")
		}
		if len(ids) > 100 {
			return f, invalid(idsName, "at most 100 ids")
		}
		f.setIDs(ids)
	}
	if group := c.get("ResourceGroupId"); group != "" {
		f.keep = append(f.keep, func(r *cloud.Resource) bool { return r.ResourceGroup == group })
	}
	if zone := c.get("ZoneId"); zone != "" {
		f.keep = append(f.keep, func(r *cloud.Resource) bool { return r.Zone == zone })
	}
	for i := 1; i <= 20; i++ {
		prefix := "Tag." + strconv.Itoa(i) + "."
		key := c.get(prefix + "Key")
		if key == "" {
			break
		}
		value, any := c.get(prefix+"Value"), true
		if _, given := c.find(prefix + "Value"); given {
			any = false
		}
		f.keep = append(f.keep, func(r *cloud.Resource) bool {
			v, ok := tagsOf(r)[key]
			return ok && (any || v == value)
		})
	}
	return f, nil
}

func (f *filter) setIDs(ids []string) {
	f.ids = make(map[string]bool, len(ids))
	for _, id := range ids {
		f.ids[id] = true
	}
	f.nothing = len(ids) == 0
}

// list returns the resources of a kind that the caller may see and the filter
// keeps, in ascending id.
func (c *call) list(kind cloud.Kind, f filter) []*cloud.Resource {
	if c.deny || f.nothing {
		return nil
	}
	var out []*cloud.Resource
next:
	for _, r := range c.snap.kinds[kind] {
		if f.ids != nil && !f.ids[r.ID] || !c.visible(r) {
			continue
		}
		for _, keep := range f.keep {
			if !keep(r) {
				continue next
			}
		}
		out = append(out, r)
	}
	return out
}

// tagsOf returns the tags that the API shows: those of the resource and its
// ownership.
func tagsOf(r *cloud.Resource) map[string]string {
	tags := map[string]string{}
	for key, value := range map[string]string{"department": r.Department, "application": r.Application, "ha_group": r.HAGroup} {
		if value != "" {
			tags[key] = value
		}
	}
	maps.Copy(tags, r.Tags)
	return tags
}

// page is one page of a listing of n.
type page struct {
	from, to     int
	token        string // of the next page
	number, size int    // 0 in token mode
}

// paging cuts a listing of n by NextToken and MaxResults, or by PageNumber and
// PageSize; the two exclude each other.
func (c *call) paging(n, leastResults, mostResults, mostSize int) (page, *apiError) {
	token, byToken := c.find("NextToken")
	_, byResults := c.find("MaxResults")
	_, byNumber := c.find("PageNumber")
	if (byToken || byResults) && byNumber {
		return page{}, invalid("PageNumber", "cannot be combined with NextToken and MaxResults")
	}
	if !byToken && !byResults || mostResults == 0 {
		number, size := c.number("PageNumber", 1), c.number("PageSize", 10)
		if number < 1 {
			return page{}, invalid("PageNumber", "want 1 or more")
		}
		if size < 1 || size > mostSize {
			return page{}, invalid("PageSize", fmt.Sprintf("want 1 to %d", mostSize))
		}
		from := min(n, (number-1)*size)
		p := page{from: from, to: min(n, from+size), number: number, size: size}
		if p.to < n && mostResults > 0 {
			p.token = c.token(uint64(p.to), 0)
		}
		return p, nil
	}
	size := min(mostResults, max(leastResults, c.number("MaxResults", leastResults)))
	from := 0
	if token != "" {
		at, _, ok := c.readToken(token)
		if !ok || at > uint64(n) {
			return page{}, invalid("NextToken", "it belongs to another request or to another time")
		}
		from = int(at)
	}
	p := page{from: from, to: min(n, from+size)}
	if p.to < n {
		p.token = c.nextToken(uint64(p.to), 0)
	}
	return p, nil
}

// pagingNames do not count to what a token belongs to.
var pagingNames = []string{"NextToken", "MaxResults", "PageNumber", "PageSize", "Length", "AccessKeyId"}

// token names a position in the answer to one question.
func (c *call) token(a, b uint64) string {
	return fmt.Sprintf("%016x%016x%016x", c.content(pagingNames...), a, b)
}

// nextToken is token, unless a fault repeats the one that was received.
func (c *call) nextToken(a, b uint64) string {
	if received := c.get("NextToken"); c.repeat && received != "" {
		return received
	}
	return c.token(a, b)
}

func (c *call) readToken(text string) (a, b uint64, ok bool) {
	if len(text) != 48 {
		return 0, 0, false
	}
	content, err1 := strconv.ParseUint(text[:16], 16, 64)
	a, err2 := strconv.ParseUint(text[16:32], 16, 64)
	b, err3 := strconv.ParseUint(text[32:], 16, 64)
	return a, b, err1 == nil && err2 == nil && err3 == nil && content == c.content(pagingNames...)
}
