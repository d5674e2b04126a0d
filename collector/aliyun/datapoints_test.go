package aliyun

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// page is an answer of DescribeMetricList around the text of Datapoints.
func page(points string) []byte {
	quoted, _ := json.Marshal(points)
	return []byte(`{"RequestId":"6A5F022D","Code":"200","Success":true,"Period":"300","Datapoints":` + string(quoted) + `,"NextToken":"abc"}`)
}

func TestDecodeReadsEveryShapeInUse(t *testing.T) {
	one := datum{instance: "i-1", ms: 1490152860000, value: 99.52}
	device := datum{instance: "i-1", device: "/dev/vda1", ms: 1490152860000, value: 41.55}
	for _, c := range []struct {
		name string
		body []byte
		want []datum
		next string
	}{
		{"average beside minimum and maximum", page(`[{"timestamp":1490152860000,"Maximum":100,"userId":"1","Minimum":93.1,"instanceId":"i-1","Average":99.52}]`), []datum{one}, "abc"},
		{"value where there is no average", page(`[{"timestamp":1490152860000,"instanceId":"i-1","Value":99.52}]`), []datum{one}, "abc"},
		{"average wins over value", page(`[{"timestamp":1490152860000,"instanceId":"i-1","Value":1,"Average":99.52}]`), []datum{one}, "abc"},
		{"device", page(`[{"timestamp":1490152860000,"instanceId":"i-1","device":"/dev/vda1","Average":41.55}]`), []datum{device}, "abc"},
		{"spaces", page(`[ {"timestamp" : 1490152860000, "instanceId":"i-1","Average":99.52 } ]`), []datum{one}, "abc"},
		{"numbers as text", page(`[{"timestamp":"1490152860000","instanceId":"i-1","Average":"99.52"}]`), []datum{one}, "abc"},
		{"timestamp with exponent", page(`[{"timestamp":1.49015286e12,"instanceId":"i-1","Average":99.52}]`), []datum{one}, "abc"},
		{"neither average nor value", page(`[{"timestamp":1490152860000,"instanceId":"i-1","Maximum":1},{"timestamp":1490152860000,"instanceId":"i-1","Average":null}]`), nil, "abc"},
		{"nested and Chinese fields", page(`[{"timestamp":1490152860000,"instanceId":"i-1","名":{"a":[1]},"Average":99.52}]`), []datum{one}, "abc"},
		{"none", page(`[]`), nil, "abc"},
		{"empty text", page(``), nil, "abc"},
		{"bare array, as the documentation prints it", []byte(`{"Code":"200","Success":true,"Datapoints":[{"timestamp":1490152860000,"instanceId":"i-1","Average":99.52}]}`), []datum{one}, ""},
		{"token null", []byte(`{"Code":"200","NextToken":null,"Datapoints":"[]"}`), nil, ""},
		{"token of the text null", []byte(`{"Code":"200","NextToken":"null","Datapoints":"[]"}`), nil, ""},
		{"code as a number", []byte(`{"Code":200,"Success":true,"Datapoints":"[]"}`), nil, ""},
		{"no Datapoints but explicit success", []byte(`{"Code":"200","Success":true}`), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d decoder
			got, next, err := d.decode(c.body)
			if err != nil || !slices.Equal(got, c.want) || next != c.next {
				t.Errorf("got %v, %q, %v; want %v, %q", got, next, err, c.want, c.next)
			}
		})
	}
}

func TestDecodeRefusesWhatMakesNoSense(t *testing.T) {
	for name, body := range map[string][]byte{
		"cut in half":               page(`[{"timestamp":1490152860000,"instanceId":"i-1","Average":99.52}]`)[:90],
		"html":                      []byte("<html>"),
		"no Datapoints, no success": []byte(`{"RequestId":"1"}`),
		"failure":                   []byte(`{"Code":"500","Datapoints":"[]"}`),
		"success false":             []byte(`{"Code":"200","Success":false,"Datapoints":"[]"}`),
		"no timestamp":              page(`[{"instanceId":"i-1","Average":1}]`),
		"no instance":               page(`[{"timestamp":1490152860000,"Average":1}]`),
		"text for a number":         page(`[{"timestamp":1490152860000,"instanceId":"i-1","Average":"much"}]`),
		"two lists":                 page(`[][]`),
		"Datapoints as a number":    []byte(`{"Code":"200","Datapoints":5}`),
		"list inside cut off":       page(`[{"timestamp":14901528`),
	} {
		var d decoder
		if got, _, err := d.decode(body); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}

func TestFloatIsTheNearestOfItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text string
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			text = fmt.Sprintf("%.2f", rapid.Float64Range(-1000, 1e13).Draw(t, "v"))
		case 1:
			b, _ := json.Marshal(rapid.Float64().Filter(func(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) }).Draw(t, "v"))
			text = string(b)
		case 2:
			text = fmt.Sprint(rapid.Int64().Draw(t, "v"))
		default:
			text = fmt.Sprintf("0.%0*d", rapid.IntRange(1, 30).Draw(t, "digits"), rapid.Uint32().Draw(t, "v"))
		}
		var want float64
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		s := scanner{text: []byte(text), quote: `"`}
		got, present, ok := s.float()
		if !ok || !present || math.Float64bits(got) != math.Float64bits(want) || s.at != len(text) {
			t.Fatalf("%s: %v (%v, %v), want %v", text, got, present, ok, want)
		}
	})
}

// FuzzDatapoints holds the quick reader to the thorough one: whatever it
// accepts it reads the same.
func FuzzDatapoints(f *testing.F) {
	f.Add(page(`[{"timestamp":1490152860000,"Maximum":100,"userId":"1","Minimum":93.1,"instanceId":"i-1","Average":99.52}]`))
	f.Add(page(`[{"timestamp":1490152860000,"instanceId":"i-1","device":"","mountpoint":"/","Value":-1.5e3},{"timestamp":1,"instanceId":"i-2","ip":"1","Average":null}]`))
	f.Add([]byte(`{"Code":"200","Success":true,"Datapoints":"[]","NextToken":"null"}`))
	f.Add([]byte(`{"Code":200,"Datapoints":[]}`))
	f.Add([]byte("{\"Code\":\"200\",\"Datapoints\":\"[{\\\"timestamp\\\":01}]\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var d, thorough decoder
		got, next, err := d.decode(body)
		e, ok := scanEnvelope(body)
		if !ok || !e.ok() || e.points == nil || !(&decoder{}).scan(e.points) {
			return // the thorough reader was used, or nothing was read
		}
		if err != nil {
			t.Fatalf("quick reader accepted, decode says %v", err)
		}
		want, err := readEnvelope(body)
		if err != nil {
			t.Fatalf("quick reader accepted what is no JSON: %v", err)
		}
		var text string
		if err := json.Unmarshal([]byte(`"`+string(want.points)+`"`), &text); err != nil {
			t.Fatalf("quick reader accepted bad text: %v", err)
		}
		if err := thorough.read([]byte(text)); err != nil {
			t.Fatalf("quick reader accepted bad points: %v", err)
		}
		if next != want.next || !slices.Equal(got, thorough.page) {
			t.Fatalf("quick %v %q, thorough %v %q", got, next, thorough.page, want.next)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	for _, s := range []string{
		`{"RequestId":"1","HostId":"ecs","Code":"Throttling.User","Message":"slow down","Recommend":""}`,
		`{"Code":500,"Message":null}`, `{"success":false,"asapiErrorCode":"403","asapiErrorMessage":"no"}`,
		`<html><body>503</body></html>`, `null`, `[]`, ``,
		`{"Code":"SignatureDoesNotMatch","Message":"server string to sign is:POST&%2F&AccessKeyId%3DLTAItestid"}`,
	} {
		f.Add(s, 400)
	}
	r := redactor{secrets: []string{"LTAItestid", "s3cr3tvalue"}}
	f.Fuzz(func(t *testing.T, body string, status int) {
		got := answer{status: status, body: []byte(body)}
		err := got.problem()
		if err == nil {
			return
		}
		text := r.apply("DescribeInstances", got, err).Error()
		if strings.Contains(text, "LTAItestid") || strings.Contains(text, "s3cr3tvalue") {
			t.Fatalf("secret in %q", text)
		}
		if len(text) > 4*maxMessage+200 {
			t.Fatalf("error of %d bytes", len(text))
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	var list []string
	for i := range 1440 {
		list = append(list, fmt.Sprintf(`{"timestamp":%d,"userId":"1208863178610000","instanceId":"i-bp67acfmxazb4p%04d","Minimum":%d.25,"Average":%d.25,"Maximum":%d.25}`, 1490152860000+i*300000, i/30, i%100, i%100, i%100))
	}
	body := page("[" + strings.Join(list, ",") + "]")
	var d decoder
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if got, _, err := d.decode(body); err != nil || len(got) != 1440 {
			b.Fatal(len(got), err)
		}
	}
}
