package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"yunjian/cloud"
	"yunjian/collector"
	"yunjian/collector/aliyun"
	"yunjian/internal/estate"
	"yunjian/internal/simcloud"
)

// badCloud is one way in which a cloud answers badly, always.
type badCloud struct {
	what   string
	sim    simcloud.Options
	secret string // that we sign with; empty: the right one
	want   string // of the message
}

func badClouds() []badCloud {
	always := func(spec string) simcloud.Options {
		f, err := simcloud.ParseFaults(spec)
		if err != nil {
			panic(err)
		}
		return simcloud.Options{Faults: f}
	}
	return []badCloud{
		{"密钥错误 wrong secret", simcloud.Options{}, "wrong", "SignatureDoesNotMatch"},
		{"无权限 no permission", simcloud.Options{Denied: []string{"DescribeInstances"}}, "", "DescribeInstances"},
		{"本机时钟偏差 clocks disagree", simcloud.Options{ClockSkew: time.Hour}, "", "clock"},
		{"限流 throttled", always("throttle=1"), "", "Throttling"},
		{"月度额度用尽 month's quota used up", simcloud.Options{Quotas: simcloud.Quotas{Monthly: 1}}, "", "quota"},
		{"服务器错误 server error", always("http500=1"), "", "InternalError"},
		{"网页代替应答 HTML instead of JSON", always("html503=1"), "", "503"},
		{"应答被截断 answer cut short", always("malformed=1"), "", "JSON"},
		{"空应答 empty answer", always("empty=1"), "", "empty"},
		{"错误码是数字 numeric code", always("numeric_code=1"), "", "500"},
		{"200 里的错误 error within HTTP 200", always("code200=1"), "", ""},
		{"连接被重置 connection reset", always("reset=1"), "", ""},
	}
}

// changing is what differs from run to run: request ids, ports, dates.
var changing = regexp.MustCompile(`[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}|127\.0\.0\.1:\d+|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]+ GMT`)

// badCloudTable asks each bad cloud for its inventory and samples and returns
// what people are told.
func badCloudTable(t *testing.T) string {
	var doc strings.Builder
	doc.WriteString("\n## 云端应答 | Answers of a cloud\n\n重试之后仍是如此时。When it stays so after every retry.\n\n| 应答 answer | 信息 message |\n| --- | --- |\n")
	world := estate.New(estate.Options{Instances: 10, Days: 1, Seed: 1})
	for _, c := range badClouds() {
		var message string
		t.Run(c.what, func(t *testing.T) { message = askBadCloud(t, world, c) })
		fmt.Fprintf(&doc, "| %s | %s |\n", cell(c.what), strings.ReplaceAll(cell(message), "\n", "<br>"))
	}
	return doc.String()
}

func askBadCloud(t *testing.T, world *estate.Estate, c badCloud) string {
	c.sim.Credentials = map[string]string{demoKey: demoSecret}
	c.sim.Now = world.End()
	server := httptest.NewServer(simcloud.New(world, c.sim))
	defer server.Close()
	secret := demoSecret
	if c.secret != "" {
		secret = c.secret
	}
	src, err := aliyun.New(aliyun.Options{
		Name: "province", Regions: []string{"cn-hangzhou"}, Endpoint: server.URL,
		AccessKeyID: demoKey, AccessKeySecret: secret,
		Budget: collector.Budget{QPS: 1000, PerMonth: -1}, Workers: 1,
		Retry: aliyun.Retry{Attempts: 2, Initial: time.Millisecond, Max: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	message := changing.ReplaceAllString(whatItSays(context.Background(), src, world.End()), "…")
	if message == "" {
		t.Fatal("nobody is told")
	}
	if !strings.Contains(message, c.want) {
		t.Errorf("message %q; want it to name %q", message, c.want)
	}
	for _, s := range []string{demoSecret, "Signature="} {
		if strings.Contains(message, s) {
			t.Errorf("message %q shows a secret", message)
		}
	}
	return message
}

// whatItSays collects once and returns the first thing that people are told.
func whatItSays(ctx context.Context, src *aliyun.Source, now time.Time) string {
	inv, err := src.Inventory(ctx, now)
	if err != nil {
		return err.Error()
	}
	for _, s := range inv.Scopes {
		if !s.Complete {
			return s.Problem
		}
	}
	result, err := src.Collect(ctx, collector.Request{
		Inventory: inv, Metrics: cloud.Metrics(), Since: now.Add(-24 * time.Hour), Now: now,
		Through: func(string, cloud.Metric) time.Time { return time.Time{} },
	}, func(collector.Batch) error { return nil })
	if err != nil {
		return err.Error()
	}
	for _, p := range result.Problems {
		if p.Availability != cloud.NoAgent {
			return p.Message
		}
	}
	return ""
}
