package aliyun

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"yunjian/cloud"
)

// Ownership says where a resource's department and application are written. A
// mapping file wins over tags, tags win over the group.
type Ownership struct {
	DepartmentTag       string // key of a tag; empty: none
	ApplicationTag      string
	DepartmentFromGroup bool // the resource group, on Apsara Stack the organization, is the department
	// MappingFile is a CSV file with a header line: resource_id or group, then
	// department and application; empty: none.
	MappingFile string
}

// maxMapping bounds the mapping file.
const maxMapping = 64 << 20

type owner struct{ department, application string }

// mapping is the content of a mapping file. Nil maps nothing.
type mapping struct {
	resources, groups map[string]owner
}

// readMapping reads a mapping file and reports every mistake with its line.
func readMapping(path string) (*mapping, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // a nil mapping is an empty one
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read ownership mapping: %w", err)
	}
	defer f.Close()
	r := csv.NewReader(io.LimitReader(f, maxMapping))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("read ownership mapping %s: line 1: want a header resource_id,department,application or group,department,application: %w", path, err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	for i := range header {
		header[i] = strings.ToLower(strings.TrimSpace(header[i]))
	}
	column := func(row []string, name string) string {
		if i := slices.Index(header, name); i >= 0 && i < len(row) {
			return strings.TrimSpace(row[i])
		}
		return ""
	}
	if !slices.Contains(header, "resource_id") && !slices.Contains(header, "group") || !slices.Contains(header, "department") && !slices.Contains(header, "application") {
		return nil, fmt.Errorf("read ownership mapping %s: line 1: header %q: want resource_id or group, and department or application", path, strings.Join(header, ","))
	}
	m := &mapping{map[string]owner{}, map[string]owner{}}
	var mistakes []error
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := r.FieldPos(0)
		if err != nil {
			return nil, errors.Join(append(mistakes, fmt.Errorf("read ownership mapping %s: %w", path, err))...)
		}
		id, group := column(row, "resource_id"), column(row, "group")
		to, key := m.resources, id
		if id == "" {
			to, key = m.groups, group
		}
		if key == "" {
			mistakes = append(mistakes, fmt.Errorf("read ownership mapping %s: line %d: neither resource_id nor group", path, line))
			continue
		}
		if _, twice := to[key]; twice {
			mistakes = append(mistakes, fmt.Errorf("read ownership mapping %s: line %d: %q is there twice", path, line, key))
			continue
		}
		to[key] = owner{column(row, "department"), column(row, "application")}
	}
	return m, errors.Join(mistakes...)
}

// assign fills in department and application. names are what the resource's
// group and organization are called, where that is known.
func (o Ownership) assign(m *mapping, r *cloud.Resource, sc scope) {
	var candidates []owner
	if m != nil {
		candidates = append(candidates, m.resources[r.ID], m.groups[r.ResourceGroup], m.groups[sc.groupName])
	}
	candidates = append(candidates, owner{tag(r.Tags, o.DepartmentTag), tag(r.Tags, o.ApplicationTag)})
	if o.DepartmentFromGroup {
		group := sc.organizationName
		for _, name := range []string{sc.groupName, r.ResourceGroup} {
			if group == "" {
				group = name
			}
		}
		candidates = append(candidates, owner{department: group})
	}
	for _, c := range candidates {
		if r.Department == "" {
			r.Department = c.department
		}
		if r.Application == "" {
			r.Application = c.application
		}
	}
}

func tag(tags map[string]string, key string) string {
	if key == "" {
		return ""
	}
	return tags[key]
}
