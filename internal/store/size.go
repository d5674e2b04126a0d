package store

import (
	"strconv"
	"strings"
)

// ParseInstanceSize reads what a change of size says of an instance: the type is
// empty where it was not known; false where it lacks cores or memory.
func ParseInstanceSize(text string) (vcpu int, memoryGiB float64, instanceType string, ok bool) {
	words := strings.SplitN(text, " ", 5)
	if len(words) < 4 || words[1] != "vCPU" || words[3] != "GiB" {
		return 0, 0, "", false
	}
	vcpu, err := strconv.Atoi(words[0])
	if err != nil || vcpu <= 0 {
		return 0, 0, "", false
	}
	memoryGiB, err = strconv.ParseFloat(words[2], 64)
	if err != nil || !(memoryGiB > 0) {
		return 0, 0, "", false
	}
	if len(words) == 5 {
		instanceType = words[4]
	}
	return vcpu, memoryGiB, instanceType, true
}
