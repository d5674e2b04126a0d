package aliyun

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"yunjian/collector"
)

// Options configure a Source. Secrets are values, already read.
type Options struct {
	Name    string   // of the cloud in the configuration
	Account string   // label of the account in inventories; empty: unknown
	Regions []string // at least one

	// Endpoint is the URL of one server for every product: http or https,
	// host, perhaps a path. Endpoints name servers a product and win over it;
	// keys: ecs, cms, vpc, ascm, bss. With neither, regions of the public cloud
	// get their published endpoints over https.
	Endpoint  string
	Endpoints map[string]string

	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // of temporary credentials; empty for long-lived ones

	Ownership Ownership
	Apsara    *Apsara // nil: public cloud
	Bills     bool    // bills are read: there is a server for bss

	Budget    collector.Budget // QPS 0 means DefaultQPS; PerMonth 0 means DefaultCallsPerMonth, below 0 no limit
	CallsUsed func() int       // metric calls already made this month, asked at the start of each run; nil: Budget.UsedThisMonth
	Cadence   time.Duration    // wanted between pulls; 0: single runs, each reads all there is
	Lag       time.Duration    // how late samples may appear: they are read only when that old, and two steps are asked for again; 0 in replays
	Location  *time.Location   // of the month that the budget counts; nil: UTC

	CAFile             string        // PEM bundle of the installation's private CA, in addition to the system's
	InsecureSkipVerify bool          // accept any certificate; only ever by explicit configuration
	Proxy              string        // URL; empty: no proxy, whatever the environment says
	Timeout            time.Duration // of one call; 0: 30 s
	Workers            int           // calls at the same time; 0: 4
	Retry              Retry
}

// Apsara configures an Apsara Stack installation.
type Apsara struct {
	Domain    string            // installation domain, for the default endpoints (ecs-internal.REGION.DOMAIN …); may be empty when Endpoints name them all
	Headers   map[string]string // sent with every call
	Query     map[string]string // added to every call, and signed
	Enumerate bool              // list organizations and resource sets and read each pair
	// Organization and ResourceGroup are used when Enumerate is off; empty:
	// the caller's own.
	Organization  string
	ResourceGroup string
}

// Retry is how often and how patiently a call is repeated.
type Retry struct {
	Attempts int           // 0: 12
	Initial  time.Duration // 0: 300 ms; doubled each time, with half of it left to chance
	Max      time.Duration // 0: 30 s
}

// Defaults of Options.
const (
	DefaultQPS           = 20      // well below the 50 a second that CloudMonitor grants an account
	DefaultCallsPerMonth = 900_000 // below the 1,000,000 that the account shares with everyone else
	defaultTimeout       = 30 * time.Second
	defaultWorkers       = 4
	maxWorkers           = 64
)

var regionPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// withDefaults fills in what was left out and reports every mistake.
func (o Options) withDefaults() (Options, error) {
	var mistakes []error
	add := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if o.Name == "" {
		add("name: missing")
	}
	if len(o.Regions) == 0 {
		add("regions: missing: name at least one, such as cn-hangzhou")
	}
	for i, r := range o.Regions {
		if !regionPattern.MatchString(r) {
			add("regions[%d]: %q: want letters, digits, - and _", i, r)
		}
		if slices.Index(o.Regions, r) != i {
			add("regions[%d]: %q is named twice", i, r)
		}
	}
	if o.AccessKeyID == "" {
		add("access key id: empty")
	}
	if o.AccessKeySecret == "" {
		add("access key secret: empty")
	}
	if o.Budget.QPS < 0 {
		add("budget: %g calls a second: want more than 0", o.Budget.QPS)
	}
	if o.Workers < 0 || o.Workers > maxWorkers {
		add("workers: %d: want 1 to %d", o.Workers, maxWorkers)
	}
	if o.Lag < 0 || o.Cadence < 0 || o.Timeout < 0 {
		add("lag, cadence and timeout: want no negative duration")
	}
	if slices.Contains(strings.Split(os.Getenv("DEBUG"), ","), "sdk") {
		add("environment variable DEBUG contains sdk, which makes the Alibaba SDK print access keys and signatures: unset it")
	}
	if o.Budget.QPS == 0 {
		o.Budget.QPS = DefaultQPS
	}
	switch {
	case o.Budget.PerMonth == 0:
		o.Budget.PerMonth = DefaultCallsPerMonth
	case o.Budget.PerMonth < 0:
		o.Budget.PerMonth = 0
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Workers == 0 {
		o.Workers = defaultWorkers
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Retry.Attempts <= 0 {
		o.Retry.Attempts = 12
	}
	if o.Retry.Initial <= 0 {
		o.Retry.Initial = 300 * time.Millisecond
	}
	if o.Retry.Max <= 0 {
		o.Retry.Max = 30 * time.Second
	}
	return o, errors.Join(mistakes...)
}

// product is a service of the cloud: its code for the SDK and the version of
// its API.
type product struct {
	key, code, version string
}

var (
	ecs  = product{"ecs", "Ecs", "2014-05-26"}
	cms  = product{"cms", "Cms", "2019-01-01"}
	vpc  = product{"vpc", "Vpc", "2016-04-28"}
	ascm = product{"ascm", "ascm", "2019-05-10"}
	bss  = product{"bss", "BssOpenApi", "2017-12-14"}
)

// endpoint is where a product of a region answers.
type endpoint struct {
	scheme string // http or https
	domain string // host[:port][/path], as the SDK wants it
	host   string // host[:port]
}

type endpointKey struct{ product, region string }

// endpoints resolves every product of every region, or says what is missing.
func (o Options) endpoints() (map[endpointKey]endpoint, error) {
	products := []product{ecs, cms, vpc}
	if o.Apsara != nil && o.Apsara.Enumerate {
		products = append(products, ascm)
	}
	if o.Bills {
		products = append(products, bss)
	}
	var mistakes []error
	for key := range o.Endpoints {
		if !slices.ContainsFunc([]product{ecs, cms, vpc, ascm, bss}, func(p product) bool { return p.key == key }) {
			mistakes = append(mistakes, fmt.Errorf("endpoints.%s: unknown product: want one of ecs, cms, vpc, ascm, bss", key))
		}
	}
	out := map[endpointKey]endpoint{}
	for _, region := range o.Regions {
		for _, p := range products {
			text := o.endpointText(p, region)
			if text == "" && p == bss {
				mistakes = append(mistakes, errors.New("endpoints.bss: missing: an Apsara Stack has no server of bills; name the one that answers for yours, or read no bills"))
				continue
			}
			if text == "" {
				mistakes = append(mistakes, fmt.Errorf("endpoints.%s: missing: region %s has no published endpoint of this product; name the one your installation uses", p.key, region))
				continue
			}
			e, err := parseEndpoint(text)
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("endpoint of %s: %w", p.key, err))
				continue
			}
			out[endpointKey{p.key, region}] = e
		}
	}
	slices.SortFunc(mistakes, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	mistakes = slices.CompactFunc(mistakes, func(a, b error) bool { return a.Error() == b.Error() })
	return out, errors.Join(mistakes...)
}

// endpointText is what the configuration says, else the published pattern:
// Apsara Stack's region form (Terraform provider alibabacloudstack), else that
// of the public cloud. Regions of the government cloud have central endpoints
// for ECS and VPC, and none published for CloudMonitor. Bills are one server for
// all of the public cloud, and nothing on Apsara Stack: there even the server of every
// other product is not taken for it.
func (o Options) endpointText(p product, region string) string {
	if text := o.Endpoints[p.key]; text != "" {
		return text
	}
	if p == bss && o.Apsara != nil {
		return ""
	}
	if o.Endpoint != "" {
		return o.Endpoint
	}
	if o.Apsara != nil {
		if o.Apsara.Domain == "" {
			return ""
		}
		prefix := map[string]string{"ecs": "ecs-internal", "cms": "metrics.open", "vpc": "vpc-internal", "ascm": "ascm"}[p.key]
		return "https://" + prefix + "." + region + "." + o.Apsara.Domain
	}
	government := strings.Contains(region, "-gov-")
	switch {
	case p == cms && government, p == ascm:
		return ""
	case p == bss:
		return "https://business.aliyuncs.com"
	case p == cms:
		return "https://metrics." + region + ".aliyuncs.com"
	case government:
		return "https://" + p.key + ".aliyuncs.com"
	default:
		return "https://" + p.key + "." + region + ".aliyuncs.com"
	}
}

func parseEndpoint(text string) (endpoint, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return endpoint{}, fmt.Errorf("%q: want http://HOST or https://HOST, perhaps with a port and a path", text)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return endpoint{}, fmt.Errorf("%q: want no user, query or fragment", u.Host)
	}
	return endpoint{scheme: u.Scheme, domain: u.Host + strings.TrimSuffix(u.Path, "/"), host: u.Host}, nil
}
