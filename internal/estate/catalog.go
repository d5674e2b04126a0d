package estate

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"yunjian/cloud"
)

//go:embed catalog.csv
var catalogCSV string

// Types returns the instance types that an estate is built of and may be
// resized to, in the order of the embedded catalogue.
func Types() []cloud.InstanceType {
	r := csv.NewReader(strings.NewReader(catalogCSV))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		panic(fmt.Sprintf("embedded catalogue: %v", err)) // part of the binary, covered by a test
	}
	types := make([]cloud.InstanceType, 0, len(rows))
	for _, row := range rows {
		t := cloud.InstanceType{ID: row[0], Family: row[1], Architecture: row[4], Burstable: row[6] == "true"}
		t.VCPU, _ = strconv.Atoi(row[2])
		t.MemoryGiB, _ = strconv.ParseFloat(row[3], 64)
		t.LocalStorageGiB, _ = strconv.ParseFloat(row[5], 64)
		types = append(types, t)
	}
	return types
}
