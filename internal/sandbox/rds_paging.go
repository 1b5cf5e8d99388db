package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"sort"
)

// page is the part of a listing that a call asks for.
//
// Amazon RDS API Reference, DescribeDBSnapshots: MaxRecords is 20 to 100, the
// default is 100; Marker is what the previous answer gave.
type page struct {
	size  int
	after string
}

func readPage(p *params) (page, error) {
	got := page{size: 100}
	if n := p.number("MaxRecords"); n != nil {
		if *n < 20 || *n > 100 {
			return got, invalidValue("Invalid value %d for MaxRecords. Must be between 20 and 100", *n)
		}
		got.size = *n
	}
	marker := p.str("Marker")
	if marker == "" {
		return got, nil
	}
	raw, err := base64.URLEncoding.DecodeString(marker)
	if err != nil || json.Unmarshal(raw, &got.after) != nil {
		return got, invalidValue("Invalid or expired marker: %s", marker)
	}
	return got, nil
}

// cut gives one page of a listing in the order of its keys, and the marker of the
// next. The marker names the last key given: what comes and goes between two
// pages neither shifts nor repeats the rest.
func cut[T any](all []T, key func(T) string, pg page) ([]T, string) {
	sort.SliceStable(all, func(i, j int) bool { return key(all[i]) < key(all[j]) })
	from := sort.Search(len(all), func(i int) bool { return key(all[i]) > pg.after })
	if pg.after == "" {
		from = 0
	}
	rest := all[from:]
	if len(rest) <= pg.size {
		return rest, ""
	}
	rest = rest[:pg.size]
	raw, err := json.Marshal(key(rest[len(rest)-1]))
	if err != nil {
		return rest, ""
	}
	return rest, base64.URLEncoding.EncodeToString(raw)
}
