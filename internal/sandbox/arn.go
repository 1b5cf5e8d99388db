package sandbox

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// arn is the full name of a resource of AWS.
type arn struct {
	service string
	place
	// kind and id are the two parts after the account, such as "snapshot" and
	// "rds:orders-2026-01-01-03-00".
	kind, id string
}

func (a arn) String() string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s:%s", a.service, a.region, a.account, a.kind, a.id)
}

func parseARN(s string) (arn, bool) {
	part := strings.SplitN(s, ":", 7)
	if len(part) != 7 || part[0] != "arn" || part[1] != "aws" || part[6] == "" {
		return arn{}, false
	}
	return arn{part[2], place{part[4], part[3]}, part[5], part[6]}, true
}

// hashed gives n characters that follow from the parts: ids of things that are
// the same in every run. n is at most 64.
func hashed(n int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x", sum)[:n]
}

func hashedUUID(parts ...string) string {
	h := hashed(32, parts...)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}
