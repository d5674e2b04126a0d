package aliyun

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yunjian/cloud"
	"yunjian/collector"
)

func TestDayVouchesForItselfAndItsNeighbours(t *testing.T) {
	begin := time.Date(2026, 11, 1, 16, 0, 0, 0, time.UTC)
	at := func(days int) time.Time { return begin.Add(time.Duration(days) * day) }
	whole := collector.Span{From: at(0), To: at(20)}
	for _, c := range []struct {
		name string
		days []int
		want []collector.Span
	}{
		{"nothing: first day and newest two", nil, []collector.Span{{From: at(0), To: at(1)}, {From: at(18), To: at(20)}}},
		{"one day in the middle, marked by its begin or its end", []int{10}, []collector.Span{{From: at(0), To: at(1)}, {From: at(9), To: at(11)}, {From: at(18), To: at(20)}}},
		{"unsorted and twice", []int{11, 10, 10}, []collector.Span{{From: at(0), To: at(1)}, {From: at(9), To: at(12)}, {From: at(18), To: at(20)}}},
		{"outside", []int{-5, 30}, []collector.Span{{From: at(0), To: at(1)}, {From: at(18), To: at(20)}}},
		{"every day", []int{1, 3, 5, 7, 9, 11, 13, 15, 17}, []collector.Span{whole}},
	} {
		var days []int64
		for _, d := range c.days {
			days = append(days, at(d).Unix())
		}
		if diff := cmp.Diff(c.want, parts(whole, days)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestDevicesMakeOneValue(t *testing.T) {
	samples := []raw{{600, "b", 3}, {300, "a", 1}, {300, "b", 2}, {300, "lo", 50}, {900, "a", -1}, {300, "a", 1.5}}
	for _, c := range []struct {
		name string
		q    query
		want []cloud.Point
	}{
		{"sum without the loopback, the later of two counts, -1 is no measurement", query{metric: cloud.NetworkInBPS, devices: total}, []cloud.Point{{T: 300, V: 3.5}, {T: 600, V: 3}}},
		{"fullest", query{metric: cloud.DiskPercent, devices: fullest}, []cloud.Point{{T: 300, V: 50}, {T: 600, V: 3}}},
	} {
		if diff := cmp.Diff(c.want, reduce(append([]raw(nil), samples...), c.q)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	odd := []raw{{300, "", math.NaN()}, {600, "", math.Inf(1)}, {900, "", math.Inf(-1)}, {1200, "", 1e308}, {1500, "", 1e15}}
	for _, q := range []query{{metric: cloud.CPUPercent}, {metric: cloud.NetworkInBPS, devices: total}, {metric: cloud.DiskPercent, devices: fullest}} {
		got := reduce(odd, q)
		if rate := q.metric.Unit() != cloud.Percent; len(got) != 0 && !rate || rate && !slices.Equal(got, []cloud.Point{{T: 1500, V: 1e15}}) {
			t.Errorf("%s of what is no measurement: %v", q.metric, got)
		}
	}
	if got := reduce([]raw{{300, "", 100.5}, {600, "", 100}}, query{metric: cloud.CPUPercent}); len(got) != 1 || got[0].V != 100 {
		t.Errorf("percentage above 100: %v", got)
	}
}

func TestHalfASumIsNoMeasurement(t *testing.T) {
	got := sum([]cloud.Point{{T: 300, V: 1}, {T: 600, V: 2}, {T: 900, V: 3}}, []cloud.Point{{T: 0, V: 9}, {T: 600, V: 10}})
	if diff := cmp.Diff([]cloud.Point{{T: 600, V: 12}}, got); diff != "" {
		t.Error(diff)
	}
}
