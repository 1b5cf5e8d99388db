package dr

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The tags of a restore, on the old resource and on the new one.
const (
	// TagRestore holds the restore's ID while it is under way.
	TagRestore = TagPrefix + "restore"
	// TagRole says which of the two it is on: RoleOld or RoleNew.
	TagRole = TagPrefix + "restore-role"
	// TagRequest holds what was asked for. Where it is longer than a tag's value may
	// be, the rest is in TagRequest-2 and so on.
	TagRequest = TagPrefix + "restore-request"
	// TagRestored stays on the new one and names the restore that made it.
	TagRestored = TagPrefix + "restored"
	// TagExpires, on an old one that is kept, says until when, RFC 3339; TagKeeper says
	// for which namespace, and TagReplaced by what it was replaced: the ID of the
	// resource that has its place now.
	TagExpires  = TagPrefix + "expires"
	TagKeeper   = TagPrefix + "keeper"
	TagReplaced = TagPrefix + "replaced-by"
)

// The roles.
const (
	RoleOld = "old"
	RoleNew = "new"
)

// PolicyFinal stands, in the claim of the snapshot that is taken of an old one before
// it is deleted, where others name their policy.
const PolicyFinal = "holdfast.final"

// RestoreMark gives the tags of a restore for one of the two.
func RestoreMark(id, role string, request Config) Tags {
	t := Tags{TagRestore: id, TagRole: role}
	for i, chunk := range request.chunks() {
		t[requestTag(i)] = chunk
	}
	return t
}

// RestoreRequest gives what was asked for, from the tags of a mark.
func (t Tags) RestoreRequest() Config {
	var b strings.Builder
	for i := 0; ; i++ {
		chunk, ok := t[requestTag(i)]
		if !ok {
			return Config(b.String())
		}
		b.WriteString(chunk)
	}
}

// RestoreFrom gives the name of the snapshot from which a restore, whose mark the tags
// hold, is under way; empty where there is none.
func (t Tags) RestoreFrom() string {
	if t[TagRestore] == "" {
		return ""
	}
	asked, err := t.RestoreRequest().Settings()
	if err != nil {
		return ""
	}
	return asked["snapshot"]
}

// RestoreMarkKeys gives the keys of the mark that tags hold, the one by which it is
// found last.
func (t Tags) RestoreMarkKeys() []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(t)) {
		if k == TagRole || k == TagRequest || strings.HasPrefix(k, TagRequest+"-") {
			out = append(out, k)
		}
	}
	if _, ok := t[TagRestore]; ok {
		out = append(out, TagRestore)
	}
	return out
}

func requestTag(i int) string {
	if i == 0 {
		return TagRequest
	}
	return TagRequest + "-" + strconv.Itoa(i+1)
}

// Aside reports whether a resource is only there because of a restore: one that is
// being made, or an old one that is kept for a while. No policy takes snapshots of it.
func (t Tags) Aside() (why string, aside bool) {
	_, under := t[TagRestore]
	until, kept := t[TagExpires]
	switch {
	case under && t[TagRole] == RoleNew:
		return "restore " + t[TagRestore] + " is making it", true
	case kept:
		return "kept after a restore until " + until, true
	}
	return "", false
}

// Lasting gives the tags of a resource that another may carry that takes its place:
// all but what AWS's services write and what a restore writes for its own time.
func (t Tags) Lasting() Tags {
	out := Tags{}
	for k, v := range t {
		switch {
		case strings.HasPrefix(k, "aws:"), strings.HasPrefix(k, "rds:"), strings.HasPrefix(k, TagRestore),
			k == TagExpires, k == TagKeeper, k == TagReplaced:
		default:
			out[k] = v
		}
	}
	return out
}
