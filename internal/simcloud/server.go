package simcloud

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"yunjian/cloud"
)

// World is what the cloud holds and what it measured. A bundle (FromBundle)
// and an estate are worlds.
//
// A World may also have the method HasSamples(resource string, m
// cloud.Metric) bool: then a disk that has a fill level of its own shows as a
// guest device of its instance. Without it an instance shows one device that
// carries the instance's own series.
type World interface {
	Inventory(at time.Time) cloud.Inventory
	// Samples returns the samples in (from, to], Unix seconds, ascending. The
	// caller does not change them.
	Samples(resource string, m cloud.Metric, from, to int64) []cloud.Point
	Metrics() []cloud.Metric
	End() time.Time // of the last sample
}

// Options configure a server. The zero value serves the whole world to the
// access key testid with secret testsecret, within the public cloud's quotas
// and without faults.
type Options struct {
	Credentials map[string]string // access key id → secret
	Accounts    map[string]string // access key id → account whose resources it sees; absent: every account
	Now         time.Time         // the present of inventory and metrics; zero: the world's end
	Clock       func() time.Time  // checks request timestamps and quotas; nil: time.Now
	ClockSkew   time.Duration     // the server's clock is off by this
	Quotas      Quotas
	Faults      Faults
	Denied      []string // actions that the caller may not use: ECS listings come back empty, others as Forbidden.RAM
	Seed        uint64   // of faults and request ids
	Apsara      *Apsara  // not nil: behave as Apsara Stack
}

// Server is the simulated cloud, an http.Handler for any path. It is safe for
// concurrent use.
type Server struct {
	world    World
	o        Options
	snapshot atomic.Pointer[snapshot]
	nonces   *recent[string]
	dice     dice
	quota    meter
	denied   map[string]bool
	bills    bills
	requests atomic.Uint64

	mu      sync.Mutex
	actions map[string]int // by RAM name, "ecs:DescribeInstances"
}

// New returns a server over w.
func New(w World, o Options) *Server {
	if o.Credentials == nil {
		o.Credentials = map[string]string{"testid": "testsecret"}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Now.IsZero() {
		o.Now = w.End()
	}
	s := &Server{
		world: w, o: o, nonces: newRecent[string](1 << 16), dice: newDice(o.Faults, o.Seed),
		quota: newMeter(o.Quotas), denied: map[string]bool{}, actions: map[string]int{},
	}
	for _, a := range o.Denied {
		s.denied[a] = true
	}
	s.SetNow(o.Now)
	return s
}

// SetNow moves the present of inventory and metrics.
func (s *Server) SetNow(t time.Time) { s.snapshot.Store(newSnapshot(s.world, t)) }

// Actions returns how often each action was called, refused calls included, by
// its name: DescribeInstances.
func (s *Server) Actions() map[string]int {
	out := map[string]int{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, n := range s.actions {
		_, action, _ := strings.Cut(name, ":")
		out[action] += n
	}
	return out
}

// Permissions returns the RAM actions that the calls so far need, sorted:
// ecs:DescribeInstances.
func (s *Server) Permissions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.actions))
}

// route is where an action leads.
type route struct {
	product string // as in RAM actions
	listing bool   // without permission the answer is an empty list
	serve   func(*Server, *call) ([]byte, *apiError)
}

type routeKey struct{ action, version string }

const (
	ecsVersion  = "2014-05-26"
	cmsVersion  = "2019-01-01"
	vpcVersion  = "2016-04-28"
	ascmVersion = "2019-05-10"
	bssVersion  = "2017-12-14"
)

func routeOf(action, version string) (route, bool) {
	r, ok := routes[routeKey{action, version}]
	return r, ok
}

var routes = map[routeKey]route{
	{"DescribeRegions", ecsVersion}:                 {"ecs", false, (*Server).describeRegions},
	{"DescribeInstances", ecsVersion}:               {"ecs", true, (*Server).describeInstances},
	{"DescribeInstanceTypes", ecsVersion}:           {"ecs", false, (*Server).describeInstanceTypes},
	{"DescribeDisks", ecsVersion}:                   {"ecs", true, (*Server).describeDisks},
	{"ListTagResources", ecsVersion}:                {"ecs", false, (*Server).listTagResources},
	{"DescribeEipAddresses", vpcVersion}:            {"vpc", false, (*Server).describeEipAddresses},
	{"DescribeMetricList", cmsVersion}:              {"cms", false, (*Server).describeMetricList},
	{"DescribeMetricLast", cmsVersion}:              {"cms", false, (*Server).describeMetricLast},
	{"DescribeMetricMetaList", cmsVersion}:          {"cms", false, (*Server).describeMetricMetaList},
	{"DescribeMonitoringAgentStatuses", cmsVersion}: {"cms", false, (*Server).describeMonitoringAgentStatuses},
	{"DescribeInstanceBill", bssVersion}:            {"bss", false, (*Server).describeInstanceBill},
	{"GetOrganizationList", ascmVersion}:            {"ascm", false, (*Server).getOrganizationList},
	{"ListResourceGroup", ascmVersion}:              {"ascm", false, (*Server).listResourceGroup},
}

// call is one request on its way through the server.
type call struct {
	parameters
	snap      *snapshot
	header    http.Header
	camel     bool // errors in the lower-camel form of ASAPI and ASCM
	requestID string
	key       string // access key id
	account   string // whose resources are seen; empty: everyone's
	region    string
	repeat    bool // fault: hand out the token that was received
	deny      bool // permission is lacking

	organization *organization // Apsara Stack: whose resources are seen
	set          *resourceSet  // and of them which resource set's; nil: every
}

// ServeHTTP answers one call: parameters, route, signature, faults, quota,
// permission, then the action itself.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{snap: s.snapshot.Load(), header: r.Header, requestID: s.requestID(), camel: strings.Contains(r.URL.Path, "/asapi")}
	body, fail := s.answer(w, r, c)
	if fail == errAnswered {
		return
	}
	status := http.StatusOK
	if fail != nil {
		status, body = fail.status, fail.body(c, r.Host)
	}
	write(w, status, "application/json; charset=utf-8", c.requestID, body)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, c *call) ([]byte, *apiError) {
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return nil, refuse(http.StatusForbidden, "UnsupportedHTTPMethod", "This http method is not supported.")
	}
	var fail *apiError
	if c.parameters, fail = readParameters(w, r); fail != nil {
		return nil, fail
	}
	action := c.get("Action")
	if action == "" {
		return nil, missing("Action")
	}
	ro, ok := routeOf(action, c.get("Version"))
	stack := s.o.Apsara != nil
	if !ok || ro.product == "ascm" && !stack || ro.product == "bss" && stack { // an Apsara Stack bills nobody
		return nil, refuse(http.StatusForbidden, "InvalidAction", "Specified action is not found, please check your URL: "+action+" of version "+c.get("Version")+".")
	}
	c.camel = c.camel || ro.product == "ascm"
	s.mu.Lock()
	s.actions[ro.product+":"+action]++
	s.mu.Unlock()
	if fail := s.authenticate(r.Method, c); fail != nil {
		return nil, fail
	}
	fault := s.dice.throw(c.parameters)
	if fail := s.before(w, r, c, fault); fail != nil {
		return nil, fail
	}
	if fail := s.quota.spend(cmp.Or(c.account, c.key), action, s.o.Clock()); fail != nil {
		return nil, fail
	}
	c.region = c.get("RegionId")
	if fail := s.apsaraScope(c); fail != nil {
		return nil, fail
	}
	c.deny = s.denied[action]
	if c.get("DryRun") == "true" {
		if c.deny {
			return nil, forbidden()
		}
		return nil, refuse(http.StatusBadRequest, "DryRunOperation", "Request validation has been passed with DryRun flag set.")
	}
	if c.deny && !ro.listing {
		return nil, forbidden()
	}
	if fault == faultDenied && ro.listing && c.get("NextToken") == "" && c.number("PageNumber", 1) <= 1 {
		c.deny = true
	}
	c.repeat = fault == faultRepeatToken
	body, fail := ro.serve(s, c)
	if fail != nil {
		return nil, fail
	}
	return after(body, fault), nil
}

func write(w http.ResponseWriter, status int, kind, requestID string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Acs-Request-Id", requestID)
	w.WriteHeader(status)
	_, _ = w.Write(body) // a reader that went away is its own affair
}

// requestID makes the next request id, in the form of a UUID.
func (s *Server) requestID() string {
	n := s.requests.Add(1)
	a, b := mix(s.o.Seed^n), mix(n)
	return fmt.Sprintf("%08X-%04X-%04X-%04X-%012X", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}
