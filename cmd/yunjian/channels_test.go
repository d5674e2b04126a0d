package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"yunjian/internal/config"
	"yunjian/internal/pipeline"
	"yunjian/internal/send"
	"yunjian/notice"
)

// The administrators are told of a week's report once, however often it is written.
func TestTellOfReport(t *testing.T) {
	t.Parallel()
	data, err := pipeline.Open(t.TempDir(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	d := &daemon{data: data}
	cfg := config.Config{Lang: "zh", PublicURL: "https://yunjian.example.gov.cn", Recipients: []config.Recipient{
		{Role: notice.Cloudadmin, Channel: "mail", Address: "a@b.example"}, {Role: notice.Cloudadmin, Channel: "group"}, {Role: notice.Dept, Channel: "mail"},
	}}
	for range 2 {
		if err := d.tellOfReport(cfg, "2026-W47"); err != nil {
			t.Fatal(err)
		}
	}
	items, err := data.State.Items()
	if err != nil || len(items) != 2 || items[0].Title != "2026-W47 周报已生成" || items[0].URL != cfg.PublicURL {
		t.Errorf("%+v, %v", items, err)
	}
}

// Every pass makes its channels anew and reads their secrets; the robot's pace lasts.
func TestPaceOutlivesAPass(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("SECa-secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &daemon{log: zerolog.Nop()}
	cfg := config.Default()
	cfg.Channels = []config.Channel{{
		Name: "group", Type: config.ChannelDingTalk, BaseURL: send.DingTalkURL, TokenFile: secret, SecretFile: secret,
		AllowSchemes: []string{"https"}, Timeout: time.Second, QuietHours: "none",
	}}
	var paces []any
	for range 2 {
		out, err := d.outlets(cfg)
		if _, ok := out["group"].Channel.(*send.DingTalk); err != nil || !ok {
			t.Fatalf("%+v, %v", out, err)
		}
		pace, _ := d.paces.Load("group")
		paces = append(paces, pace)
	}
	if paces[0] == nil || paces[0] != paces[1] {
		t.Error("each pass has a pace of its own")
	}
	if err := os.Remove(secret); err != nil {
		t.Fatal(err)
	}
	out, err := d.outlets(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := out["group"].Channel.Send(t.Context(), send.Message{}); err == nil {
		t.Error("a channel without its secret sends")
	}
}
