package simcloud

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The vector was captured from SDK v1.63.107.
func TestSignatureVector(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/?"+url.Values{
		"AccessKeyId": {"testid"}, "Action": {"DescribeRegions"}, "Format": {"JSON"}, "RegionId": {"cn-hangzhou"},
		"SignatureMethod": {"HMAC-SHA1"}, "SignatureNonce": {"3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"}, "SignatureType": {""},
		"SignatureVersion": {"1.0"}, "Tag.1.Value": {"a b*~+/="}, "Timestamp": {"2026-01-01T00:00:00Z"}, "Version": {"2014-05-26"},
	}.Encode(), nil)
	p, fail := readParameters(nil, r)
	if fail != nil {
		t.Fatal(fail)
	}
	if got, want := sign("testsecret", stringToSign("POST", p)), "stR4alONrNPc+QwDGrk+xm6j9Zo="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestSDKSignaturesAreAccepted(t *testing.T) {
	c := serve(t, New(line("i-1", 1e9, 1), Options{}))
	for name, change := range map[string]func(map[string]string, map[string]string){
		"plain":           func(q, f map[string]string) {},
		"Chinese text":    func(q, f map[string]string) { q["Tag.1.Key"] = "部门" },
		"reserved signs":  func(q, f map[string]string) { q["Tag.1.Value"] = "a b*~+/=&%?#'\"" },
		"form parameters": func(q, f map[string]string) { f["InstanceName"] = "示例 +/=*~" },
	} {
		for _, domain := range []string{c.domain, c.domain + "/asapi/v3"} {
			for _, method := range []string{"POST", "GET"} {
				r := c.request("DescribeRegions", nil)
				r.Method, r.Domain = method, domain
				if change(r.QueryParams, r.FormParams); method == "GET" && len(r.FormParams) > 0 {
					continue
				}
				if _, err := c.sdk.ProcessCommonRequest(r); err != nil {
					t.Errorf("%s by %s at %s: %v", name, method, domain, err)
				}
			}
		}
	}
}

func TestGatewayRefusals(t *testing.T) {
	set := func(name, value string) func(url.Values) { return func(v url.Values) { v.Set(name, value) } }
	off := func(d time.Duration) func(url.Values) {
		return set("Timestamp", time.Now().Add(d).UTC().Format(secondTime))
	}
	for name, c := range map[string]struct {
		request *http.Request
		want    string
	}{
		"right":                      {signed("POST", "testsecret", nil), "200"},
		"wrong secret":               {signed("POST", "other", nil), "400 SignatureDoesNotMatch"},
		"signature of another call":  {signed("POST", "testsecret", set("Signature", "stR4alONrNPc+QwDGrk+xm6j9Zo=")), "400 SignatureDoesNotMatch"},
		"unknown key":                {signed("POST", "testsecret", set("AccessKeyId", "other")), "404 InvalidAccessKeyId.NotFound"},
		"14 minutes slow":            {signed("POST", "testsecret", off(-14*time.Minute)), "200"},
		"16 minutes slow":            {signed("POST", "testsecret", off(-16*time.Minute)), "400 InvalidTimeStamp.Expired"},
		"16 minutes fast":            {signed("POST", "testsecret", off(16*time.Minute)), "400 InvalidTimeStamp.Expired"},
		"unreadable timestamp":       {signed("POST", "testsecret", set("Timestamp", "now")), "400 InvalidTimeStamp.Format"},
		"no action":                  {signed("POST", "testsecret", set("Action", "")), "400 MissingParameter"},
		"no nonce":                   {signed("POST", "testsecret", set("SignatureNonce", "")), "400 MissingParameter"},
		"action of another version":  {signed("POST", "testsecret", set("Version", "2015-01-01")), "403 InvalidAction"},
		"action that is not there":   {signed("POST", "testsecret", set("Action", "DeleteInstance")), "403 InvalidAction"},
		"other method":               {signed("PUT", "testsecret", nil), "403 UnsupportedHTTPMethod"},
		"other signature method":     {signed("POST", "testsecret", set("SignatureMethod", "HMAC-SHA256")), "400 InvalidParameter"},
		"organizations on plain ECS": {signed("POST", "testsecret", func(v url.Values) { v.Set("Action", "GetOrganizationList"); v.Set("Version", ascmVersion) }), "403 InvalidAction"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := codeOf(t, New(line("i-1", 1e9, 1), Options{}), c.request); got != c.want {
				t.Errorf("answered %s, want %s", got, c.want)
			}
		})
	}
}

func TestSignatureRefusalQuotesTheStringToSign(t *testing.T) {
	s := New(line("i-1", 1e9, 1), Options{})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, signed("POST", "other", nil))
	if !strings.Contains(w.Body.String(), `server string to sign is:POST\u0026%2F\u0026AccessKeyId%3Dtestid`) {
		t.Errorf("refusal %s does not end with the string to sign", w.Body)
	}
}

func TestNonceCountsOnce(t *testing.T) {
	s := New(line("i-1", 1e9, 1), Options{})
	for i, want := range []string{"200", "400 SignatureNonceUsed"} {
		if got := codeOf(t, s, signed("POST", "testsecret", nil)); got != want {
			t.Errorf("use %d of the nonce answered %s, want %s", i+1, got, want)
		}
	}
}

func TestNonceMemoryIsBounded(t *testing.T) {
	r := newRecent[int](100)
	for i := range 10_000 {
		if r.add(i) != 0 {
			t.Fatalf("%d was seen before", i)
		}
		if n := len(r.now) + len(r.old); n > 100 {
			t.Fatalf("%d keys kept, want at most 100", n)
		}
	}
	for i := 9_960; i < 10_000; i++ {
		if r.add(i) == 0 {
			t.Fatalf("%d, of the newest 40, was forgotten", i)
		}
	}
}

func TestClockSkew(t *testing.T) {
	s := New(line("i-1", 1e9, 1), Options{ClockSkew: -time.Hour})
	if got, want := codeOf(t, s, signed("POST", "testsecret", nil)), "400 InvalidTimeStamp.Expired"; got != want {
		t.Errorf("a server an hour slow answered %s, want %s", got, want)
	}
}

func TestLargeBodyIsRefused(t *testing.T) {
	s := New(line("i-1", 1e9, 1), Options{})
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("A="+strings.Repeat("x", maxBody)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got, want := codeOf(t, s, r), "413 RequestBodyTooLarge"; got != want {
		t.Errorf("answered %s, want %s", got, want)
	}
}

func TestKeysSeeTheirAccount(t *testing.T) {
	w := line("i-1", 1e9, 1)
	w.resources[0].Account = "one"
	w.resources = append(w.resources, w.resources[0])
	w.resources[1].ID, w.resources[1].Account = "i-2", "two"
	s := New(w, Options{Credentials: map[string]string{"testid": "testsecret"}, Accounts: map[string]string{"testid": "two"}})
	var got struct {
		TotalCount int
		Instances  struct{ Instance []struct{ InstanceId string } }
	}
	serve(t, s).into(&got, "DescribeInstances", nil)
	if got.TotalCount != 1 || got.Instances.Instance[0].InstanceId != "i-2" {
		t.Errorf("key of account two sees %+v", got)
	}
}

func TestQuotas(t *testing.T) {
	now := time.Date(2026, 11, 30, 23, 59, 58, 0, time.UTC)
	m := newMeter(Quotas{PerSecond: map[string]int{"DescribeMetricList": 2}, Monthly: 3})
	spend := func(account, action string) string {
		if fail := m.spend(account, action, now); fail != nil {
			return fail.message
		}
		return ""
	}
	flow, month := throttled().message, "Request was denied due to user flow control: user api quota limit."
	for i, c := range []struct {
		after           time.Duration
		account, action string
		want            string
	}{
		{0, "a", "DescribeMetricList", ""}, {0, "a", "DescribeMetricList", ""}, {0, "a", "DescribeMetricList", flow},
		{0, "b", "DescribeMetricList", ""},                // another account has its own second
		{0, "a", "DescribeInstances", ""},                 // another action is not limited
		{time.Second, "a", "DescribeMetricList", ""},      // a new second
		{0, "a", "DescribeMetricLast", month},             // shares the month
		{0, "a", "DescribeInstances", ""},                 // is not metered
		{2 * time.Second, "a", "DescribeMetricLast", ""},  // a new month
		{30 * time.Second, "b", "DescribeMetricList", ""}, // of everyone
		{0, "b", "DescribeMetricList", ""},                //
		{time.Second, "b", "DescribeMetricList", ""},      //
		{time.Second, "b", "DescribeMetricList", month},   //
	} {
		now = now.Add(c.after)
		if got := spend(c.account, c.action); got != c.want {
			t.Errorf("call %d, %s of %s: %q, want %q", i, c.action, c.account, got, c.want)
		}
	}
}

func TestDefaultQuotaIsTheSheets(t *testing.T) {
	s := New(line("i-1", 1e9, 1), Options{Clock: func() time.Time { return time.Unix(1e9, 0) }})
	for i := range 51 {
		fail := s.quota.spend("a", "DescribeMetricList", s.o.Clock())
		if (fail != nil) != (i == 50) {
			t.Fatalf("call %d of a second: %v", i+1, fail)
		}
	}
	unlimited := newMeter(Unlimited())
	for range 1000 {
		if fail := unlimited.spend("a", "DescribeMetricList", time.Unix(0, 0)); fail != nil {
			t.Fatal(fail.message)
		}
	}
}
