package simcloud

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// always is a server whose every call is hit by one fault.
func always(t *testing.T, spec string) *client {
	t.Helper()
	f, err := ParseFaults(spec)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, New(smallEstate(), Options{Faults: f, Quotas: Unlimited()}))
}

// What each fault looks like to the SDK is what was recorded of it.
func TestFaultsThroughTheSDK(t *testing.T) {
	for spec, want := range map[string]string{
		"throttle=1":    "400 Throttling.User",
		"throttle429=1": "429 Throttling",
		"http500=1":     "500 InternalError",
		"html503=1":     "503 ",
		"skew=1":        "400 InvalidTimeStamp.Expired",
	} {
		if got := always(t, spec).refused("DescribeInstances", nil); got != want {
			t.Errorf("%s: %q, want %q", spec, got, want)
		}
	}
	t.Run("html503 is a page", func(t *testing.T) {
		_, body, _ := always(t, "html503=1").call("DescribeInstances", nil)
		if !strings.HasPrefix(string(body), "<html>") {
			t.Errorf("body %q", body)
		}
	})
	t.Run("empty", func(t *testing.T) {
		status, body, err := always(t, "empty=1").call("DescribeInstances", nil)
		if status != http.StatusOK || len(body) != 0 || err != nil {
			t.Errorf("status %d, body %q, error %v; want 200, nothing, none", status, body, err)
		}
	})
	t.Run("malformed", func(t *testing.T) {
		status, body, _ := always(t, "malformed=1").call("DescribeInstances", nil)
		if status != http.StatusOK || json.Valid(body) || len(body) < 100 {
			t.Errorf("status %d, body %q; want 200 and half an answer", status, body)
		}
	})
	t.Run("code200", func(t *testing.T) {
		status, body, err := always(t, "code200=1").call("DescribeMetricList", nil)
		var e struct{ Code string }
		if json.Unmarshal(body, &e) != nil || status != http.StatusOK || err != nil || e.Code != "Throttling.User" {
			t.Errorf("status %d, body %s, error %v; want 200 with the code inside", status, body, err)
		}
	})
	t.Run("numeric_code makes the SDK panic", func(t *testing.T) {
		c := always(t, "numeric_code=1")
		defer func() {
			if recover() == nil {
				t.Error("the SDK did not panic: the fault has lost its point")
			}
		}()
		_, _, err := c.call("DescribeInstances", nil)
		t.Logf("error %v", err)
	})
	t.Run("reset", func(t *testing.T) {
		_, _, err := always(t, "reset=1").call("DescribeInstances", nil)
		if u := (*url.Error)(nil); !errors.As(err, &u) || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
			t.Errorf("error %v, want a connection that was reset", err)
		}
	})
	t.Run("slow", func(t *testing.T) {
		c := always(t, "slow=1,delay=10s")
		r := c.request("DescribeInstances", nil)
		r.ReadTimeout = 50 * time.Millisecond
		_, err := c.sdk.ProcessCommonRequest(r)
		if u := (*url.Error)(nil); !errors.As(err, &u) || !u.Timeout() {
			t.Errorf("error %v, want a timeout", err)
		}
	})
	t.Run("slow but right", func(t *testing.T) {
		if ids := always(t, "slow=1,delay=1ms").listing("DescribeInstances", "InstanceId", true, 100, nil); len(ids) != 60 {
			t.Errorf("%d instances, want 60", len(ids))
		}
	})
	t.Run("repeat_token", func(t *testing.T) {
		c := always(t, "repeat_token=1")
		var first, second, third struct{ NextToken string }
		c.into(&first, "DescribeInstances", map[string]string{"MaxResults": "20"})
		c.into(&second, "DescribeInstances", map[string]string{"MaxResults": "20", "NextToken": first.NextToken})
		if first.NextToken == "" || second.NextToken != first.NextToken {
			t.Errorf("tokens %q, then %q, want the same again", first.NextToken, second.NextToken)
		}
		c.into(&third, "DescribeInstances", map[string]string{"MaxResults": "100"})
		if third.NextToken != "" {
			t.Errorf("a last page has token %q", third.NextToken)
		}
		q := map[string]string{"Namespace": ecsNamespace, "MetricName": "CPUUtilization", "Length": "30"}
		c.into(&first, "DescribeMetricList", q)
		q["NextToken"] = first.NextToken
		c.into(&second, "DescribeMetricList", q)
		if first.NextToken == "" || second.NextToken != first.NextToken {
			t.Errorf("metric tokens %q, then %q, want the same again", first.NextToken, second.NextToken)
		}
	})
	t.Run("denied", func(t *testing.T) {
		c := always(t, "denied=1")
		if ids := c.listing("DescribeInstances", "InstanceId", true, 100, nil); len(ids) != 0 {
			t.Errorf("%d instances, want an empty list", len(ids))
		}
		if got, want := c.refused("DescribeInstances", map[string]string{"DryRun": "true"}), "400 DryRunOperation"; got != want {
			t.Errorf("dry run meanwhile: %s, want %s", got, want)
		}
	})
}

func TestParseFaults(t *testing.T) {
	for spec, want := range map[string]Faults{
		"":                              {},
		"0":                             {},
		"throttle=0.03, http500=0.02":   {Throttle: 0.03, HTTP500: 0.02},
		"slow=1,delay=5s":               {Slow: 1, Delay: 5 * time.Second},
		"denied=0.5,numeric_code=0.125": {Denied: 0.5, NumericCode: 0.125},
	} {
		got, err := ParseFaults(spec)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v, error %v", spec, got, err)
		}
	}
	all, err := ParseFaults("0.03")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range all.named() {
		if *x.p != 0.03 {
			t.Errorf("a plain share leaves %s at %v", x.name, *x.p)
		}
	}
	for spec, want := range map[string]string{
		"1.5":          `faults "1.5": want a share from 0 to 1, or a list such as throttle=0.03,slow=0.1`,
		"often":        `faults "often": want a share from 0 to 1, or a list such as throttle=0.03,slow=0.1`,
		"NaN":          `faults "NaN": want a share from 0 to 1, or a list such as throttle=0.03,slow=0.1`,
		"throttle=2":   `faults: throttle "2": want a share from 0 to 1`,
		"throtle=0.1":  `faults: unknown fault "throtle": want one of throttle, throttle429, http500, html503, slow, reset, malformed, empty, numeric_code, code200, repeat_token, denied, skew, delay`,
		"delay=slowly": `faults: delay "slowly": want a duration such as 500ms or 5s`,
	} {
		if _, err := ParseFaults(spec); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", spec, err, want)
		}
	}
}

// The same seed hits the same calls in whatever order they arrive, and a
// repeated call is drawn anew.
func TestFaultsAreDeterministic(t *testing.T) {
	ask := func(i int) parameters {
		return parameters{{"Action", "DescribeInstances"}, {"PageNumber", strconv.Itoa(i)}}
	}
	run := func(seed uint64, order []int) map[int][]fault {
		d := newDice(AllFaults(0.05), seed)
		out := map[int][]fault{}
		for _, i := range order {
			out[i] = append(out[i], d.throw(ask(i)))
		}
		return out
	}
	forward := make([]int, 0, 400)
	for i := range 400 {
		forward = append(forward, i%100)
	}
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	a := run(1, forward)
	if diff := cmp.Diff(a, run(1, backward)); diff != "" {
		t.Errorf("order matters (-forward +backward):\n%s", diff)
	}
	if cmp.Equal(a, run(2, forward)) {
		t.Error("another seed hits the same calls")
	}
	hit, differ := 0, false
	for _, f := range a {
		for _, x := range f {
			if x != faultNone {
				hit++
			}
			differ = differ || x != f[0]
		}
	}
	if want := 400 * 0.49; float64(hit) < want*0.75 || float64(hit) > want*1.25 {
		t.Errorf("%d of 400 calls are hit at 5 %% for each of 13 faults, want about %.0f", hit, want)
	}
	if !differ {
		t.Error("a repeated call always meets the same fate")
	}
}

// Under every fault at once, a client that only asks again gets everything.
func TestEverythingArrivesInTheEnd(t *testing.T) {
	f := AllFaults(0.04)
	f.Delay = time.Millisecond
	c := serve(t, New(smallEstate(), Options{Faults: f, Seed: 5, Quotas: Unlimited()}))
	seen := map[string]bool{}
	for number := 1; number <= 6; number++ {
		for try := 0; ; try++ {
			if try == 50 {
				t.Fatalf("page %d never came", number)
			}
			ids, ok := c.attempt(map[string]string{"PageNumber": strconv.Itoa(number), "PageSize": "10"})
			if !ok || len(ids) == 0 {
				continue
			}
			for _, id := range ids {
				seen[id] = true
			}
			break
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d instances, want 60", len(seen))
	}
}

// attempt makes one call and says whether a whole answer came.
func (c *client) attempt(query map[string]string) (ids []string, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false // Code as a number
		}
	}()
	_, body, err := c.call("DescribeInstances", query)
	if err != nil {
		return nil, false
	}
	var answer struct {
		Code      string
		Instances struct{ Instance []struct{ InstanceId string } }
	}
	if json.Unmarshal(body, &answer) != nil || answer.Code != "" {
		return nil, false
	}
	for _, i := range answer.Instances.Instance {
		ids = append(ids, i.InstanceId)
	}
	return ids, true
}

func TestUnservedConnectionIsCut(t *testing.T) {
	s := New(smallEstate(), Options{Faults: Faults{Reset: 1}})
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Error("a connection that cannot be reset is not aborted")
		}
	}()
	s.ServeHTTP(httptest.NewRecorder(), signed("POST", "testsecret", nil))
}
