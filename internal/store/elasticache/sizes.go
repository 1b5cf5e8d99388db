package elasticache

import (
	"strconv"
	"strings"
)

// memoryOf gives the memory of a node type in bytes, which bounds what a snapshot
// of it can hold; 0 for types that are not known. No API tells it (Amazon
// ElastiCache User Guide, "Supported node types": maxmemory of each).
func memoryOf(nodeType string) int64 {
	part := strings.Split(nodeType, ".") // cache.r7g.2xlarge
	if len(part) != 3 || part[1] == "" {
		return 0
	}
	gib := 0.0
	switch family, name := part[1][0], part[2]; family {
	case 't':
		gib = map[string]float64{"micro": 0.5, "small": 1.37, "medium": 3.09}[name]
	case 'm':
		gib = 6.38 * larges(name)
	case 'r':
		gib = 13.07 * larges(name)
	case 'c':
		gib = 3.1 * larges(name)
	}
	return int64(gib * (1 << 30))
}

// larges says how many times a "large" one is.
func larges(name string) float64 {
	switch name {
	case "large":
		return 1
	case "xlarge":
		return 2
	}
	n, err := strconv.Atoi(strings.TrimSuffix(name, "xlarge"))
	if err != nil {
		return 0
	}
	return float64(2 * n)
}
