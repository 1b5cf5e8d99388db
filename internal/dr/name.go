package dr

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"
	"time"
)

// SnapshotName derives the name of the snapshot that serves a claim, at most
// limit characters long (Aurora cluster snapshots: 63, RDS: 255). The same claim
// always gives the same name, and so the name is the key by which creating it
// twice makes one. It holds only lower-case letters, digits and single hyphens,
// starts with a letter and does not end with a hyphen, which every service
// accepts.
//
// attempt tells a further try for the same slot from those that failed before;
// the first is 0. Where the whole does not fit, the readable part is cut and the
// hash over everything keeps names apart.
func SnapshotName(c Claim, resource string, attempt, limit int) string {
	tail := "-" + slotStamp(c.Slot) + "-" + nameHash(c)
	if attempt > 0 {
		tail += "-" + strconv.Itoa(attempt+1)
	}
	prefix := "holdfast-"
	if limit < 64 {
		prefix = "hf-"
	}
	middle := slug(resource + "-" + c.Policy)
	if room := limit - len(prefix) - len(tail); len(middle) > room {
		middle = strings.TrimRight(middle[:max(room, 0)], "-")
	}
	if middle == "" {
		return strings.TrimSuffix(prefix, "-") + tail
	}
	return prefix + middle + tail
}

func slotStamp(t time.Time) string { return t.UTC().Format("20060102t150405z") }

// nameHash gives 8 characters (40 bits) over what makes a recovery point.
func nameHash(c Claim) string {
	h := sha256.New()
	parts := []string{c.Owner, c.Policy, c.Slot.UTC().Format(time.RFC3339Nano), c.Source, c.Origin, c.Set}
	if c.Stage != "" { // Names without one are older than stages.
		parts = append(parts, c.Stage)
	}
	for _, part := range parts {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	return strings.ToLower(base32.HexEncoding.EncodeToString(h.Sum(nil)[:5]))
}

// slug turns any text into lower-case letters, digits and single hyphens.
func slug(s string) string {
	var b strings.Builder
	hyphen := true // No hyphen at the start.
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
			hyphen = false
		} else if !hyphen {
			b.WriteByte('-')
			hyphen = true
		}
	}
	return strings.TrimRight(b.String(), "-")
}
