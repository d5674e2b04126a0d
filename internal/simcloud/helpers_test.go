package simcloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"go.uber.org/goleak"

	"yunjian/cloud"
	"yunjian/internal/estate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is the real SDK against a server of ours.
type client struct {
	t      *testing.T
	sdk    *sdk.Client
	domain string
}

// through forwards to a transport; the SDK leaves a RoundTripper alone that is
// not an http.Transport.
type through struct{ *http.Transport }

func (t through) RoundTrip(r *http.Request) (*http.Response, error) { return t.Transport.RoundTrip(r) }

func serve(t *testing.T, s *Server) *client {
	t.Helper()
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return newClient(t, strings.TrimPrefix(ts.URL, "http://"), "testid", "testsecret")
}

func newClient(t *testing.T, domain, id, secret string) *client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	config := sdk.NewConfig().WithScheme("HTTP").WithTimeout(5 * time.Second)
	config.Transport = through{transport}
	c, err := sdk.NewClientWithOptions("cn-hangzhou", config, credentials.NewAccessKeyCredential(id, secret))
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, c, domain}
}

var versions = map[string]string{
	"DescribeInstances": "Ecs " + ecsVersion, "DescribeDisks": "Ecs " + ecsVersion, "DescribeRegions": "Ecs " + ecsVersion,
	"DescribeInstanceTypes": "Ecs " + ecsVersion, "ListTagResources": "Ecs " + ecsVersion, "DescribeEipAddresses": "Vpc " + vpcVersion,
	"DescribeInstanceBill": "BssOpenApi " + bssVersion, "GetOrganizationList": "ascm " + ascmVersion, "ListResourceGroup": "ascm " + ascmVersion,
}

func (c *client) request(action string, query map[string]string) *requests.CommonRequest {
	r := requests.NewCommonRequest()
	r.Method, r.Scheme, r.Domain, r.ApiName = "POST", "http", c.domain, action
	r.Product, r.Version, _ = strings.Cut(versions[action], " ")
	if r.Product == "" {
		r.Product, r.Version = "Cms", cmsVersion
	}
	for k, v := range query {
		r.QueryParams[k] = v
	}
	return r
}

// call returns status, body and the SDK's error of one call.
func (c *client) call(action string, query map[string]string) (int, []byte, error) {
	response, err := c.sdk.ProcessCommonRequest(c.request(action, query))
	if response == nil {
		return 0, nil, err
	}
	return response.GetHttpStatus(), response.GetHttpContentBytes(), err
}

// into decodes a call that must succeed.
func (c *client) into(v any, action string, query map[string]string) {
	c.t.Helper()
	_, body, err := c.call(action, query)
	if err != nil {
		c.t.Fatalf("%s: %v", action, err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		c.t.Fatalf("%s answered %s: %v", action, body, err)
	}
}

// refused returns the code of a call that must fail, as "status code".
func (c *client) refused(action string, query map[string]string) string {
	c.t.Helper()
	_, body, err := c.call(action, query)
	var e *sdkerrors.ServerError
	if !errors.As(err, &e) {
		c.t.Fatalf("%s answered %s and %v, want a refusal", action, body, err)
	}
	return fmt.Sprintf("%d %s", e.HttpStatus(), e.ErrorCode())
}

// signed makes a request of our own, signed right unless changed.
func signed(method, secret string, change func(url.Values)) *http.Request {
	values := url.Values{
		"AccessKeyId": {"testid"}, "Action": {"DescribeRegions"}, "Format": {"JSON"}, "RegionId": {"cn-hangzhou"},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureNonce": {"n"}, "SignatureType": {""}, "SignatureVersion": {"1.0"},
		"Timestamp": {time.Now().UTC().Format(secondTime)}, "Version": {ecsVersion},
	}
	if change != nil {
		change(values)
	}
	request := httptest.NewRequest(method, "/?"+values.Encode(), nil)
	p, _ := readParameters(nil, request)
	if !values.Has("Signature") {
		values.Set("Signature", sign(secret, stringToSign(method, p)))
	}
	return httptest.NewRequest(method, "/?"+values.Encode(), nil)
}

func codeOf(t *testing.T, s *Server, r *http.Request) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var e envelope
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("answer %q: %v", w.Body, err)
	}
	if e.Code == nil {
		return fmt.Sprint(w.Code)
	}
	if e.RequestId == "" || e.HostId == "" || e.Message == "" || e.Recommend == "" {
		t.Errorf("incomplete envelope %s", w.Body)
	}
	return fmt.Sprintf("%d %v", w.Code, e.Code)
}

// plain is a small world in memory that knows nothing but what it is told.
type plain struct {
	resources []cloud.Resource
	points    map[string][]cloud.Point
	metrics   []cloud.Metric
	end       int64
}

func (p plain) Inventory(at time.Time) cloud.Inventory {
	return cloud.Inventory{TakenAt: at, Resources: append([]cloud.Resource(nil), p.resources...)}
}
func (p plain) Metrics() []cloud.Metric { return p.metrics }
func (p plain) End() time.Time          { return time.Unix(p.end, 0).UTC() }
func (p plain) Samples(resource string, m cloud.Metric, from, to int64) []cloud.Point {
	var out []cloud.Point
	for _, x := range p.points[resource+"/"+string(m)] {
		if x.T > from && x.T <= to {
			out = append(out, x)
		}
	}
	return out
}

// line is one instance with n samples every five minutes that end at end; the
// i-th value is i/100.
func line(id string, end int64, n int) plain {
	p := plain{
		resources: []cloud.Resource{{ID: id, Kind: cloud.Instance, VCPU: 4, MemoryGiB: 15.5}},
		points:    map[string][]cloud.Point{}, metrics: []cloud.Metric{cloud.CPUPercent}, end: end,
	}
	for i := range n {
		p.points[id+"/cpu_percent"] = append(p.points[id+"/cpu_percent"], cloud.Point{T: end - int64(n-1-i)*step, V: float64(i) / 100})
	}
	return p
}

func smallEstate() *estate.Estate {
	return estate.New(estate.Options{Instances: 60, Seed: 11, Days: 3})
}
