package elasticache

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Where things lie in a bucket (docs/design/0008-files-in-buckets.md):
//
//	holdfast/elasticache/OWNER/NAME/begun/LABEL
//	holdfast/elasticache/OWNER/NAME/NAME-0001.rdb …
//	holdfast/elasticache/OWNER/NAME/manifest.json
//	holdfast/elasticache/OWNER/NAME/complete/LABEL
//	holdfast/elasticache/OWNER/NAME/held
//	holdfast/elasticache/OWNER/NAME/leaving/LABEL
//
// A label is an object whose key says all that a plan needs, so that listing keys is
// enough. The files of an export lie where ElastiCache writes them, at the top of the
// bucket.
const (
	root         = "holdfast/" + string(Kind) + "/"
	begunMark    = "begun"
	completeMark = "complete"
	leavingMark  = "leaving"
	heldName     = "held"
	manifestName = "manifest.json"
)

// keyLimit is how long the key of an object may be, in bytes (Amazon S3 User Guide,
// "Naming Amazon S3 objects").
const keyLimit = 1024

// label is what the key of a label says.
type label struct {
	// claim lacks the hold, which is an object of its own, and the configuration,
	// which is in the manifest.
	claim dr.Claim
	// files is how many there are, bytes how much they hold; 0 where that is not known
	// before they are there.
	files int
	bytes int64
	// kms is the key that they are under; empty: the bucket's default.
	kms string
	// snapshot and prefix are of exports: the snapshot that is exported, as holdfast
	// calls it, and what the names of its files begin with.
	snapshot, prefix string
}

// claimPart begins what of a label is the claim's.
const claimPart = "c."

// text writes a label as the last part of a key.
func (l label) text() string {
	c := l.claim
	c.Keep, c.Config = false, ""
	settings := map[string]string{
		"files": number(l.files), "bytes": number(int(l.bytes)), "key": l.kms, "snapshot": l.snapshot, "prefix": l.prefix,
	}
	for tag, value := range c.Tags() {
		if tag != dr.TagOwner { // It stands further to the front.
			settings[claimPart+strings.TrimPrefix(tag, dr.TagPrefix)] = value
		}
	}
	return flat(string(dr.NewConfig(settings)))
}

// flat keeps slashes out of a part of a key.
func flat(s string) string { return strings.ReplaceAll(s, "/", "@2f") }

// parseLabel reads a label. What cannot be read is not ours.
func parseLabel(owner, text string) (label, error) {
	settings, err := dr.Config(text).Settings()
	if err != nil {
		return label{}, err
	}
	tags := dr.Tags{dr.TagOwner: owner}
	for k, v := range settings {
		if tag, ok := strings.CutPrefix(k, claimPart); ok {
			tags[dr.TagPrefix+tag] = v
		}
	}
	l := label{kms: settings["key"], snapshot: settings["snapshot"], prefix: settings["prefix"]}
	if l.claim, err = dr.ParseClaim(tags); err != nil {
		return label{}, err
	}
	if l.claim.Origin == "" {
		return label{}, errors.New("it names no origin")
	}
	if l.files, err = strconv.Atoi(cmp.Or(settings["files"], "0")); err != nil {
		return label{}, fmt.Errorf("number of files: %w", err)
	}
	if l.bytes, err = strconv.ParseInt(cmp.Or(settings["bytes"], "0"), 10, 64); err != nil {
		return label{}, fmt.Errorf("number of bytes: %w", err)
	}
	return l, nil
}

// export reports whether it is that of an export.
func (l label) export() bool { return l.prefix != "" }

// place is where the objects of one snapshot lie.
type place struct{ owner, name string }

func (p place) prefix() string { return p.ownerPrefix() + p.name + "/" }

// ownerPrefix begins the keys of everything of an installation.
func (p place) ownerPrefix() string {
	return root + flat(strings.TrimPrefix(string(dr.NewConfig(map[string]string{"o": p.owner})), "o=")) + "/"
}

func (p place) key(rest string) string { return p.prefix() + rest }

// labelKey gives the key of a label, if it is not too long.
func (p place) labelKey(mark string, l label) (string, error) {
	key := p.key(mark + "/" + l.text())
	if len(key) > keyLimit {
		return "", fmt.Errorf("%w: %d characters of %d", errLongKey, len(key), keyLimit)
	}
	return key, nil
}

// shelved is what there is of one snapshot under its own prefix.
type shelved struct {
	place
	// marks are the labels by their kind, the latest first.
	marks map[string][]marked
	held  bool
	// files are those under the prefix; manifest says that there is one too.
	files    []object
	manifest bool
}

// marked is a label that is there.
type marked struct {
	label
	key  string
	when time.Time
}

// known gives the label that speaks for it: the one that is furthest on its way.
func (s *shelved) known() (marked, bool) {
	for _, mark := range [...]string{leavingMark, completeMark, begunMark} {
		if all := s.marks[mark]; len(all) > 0 {
			return all[0], true
		}
	}
	return marked{}, false
}

func (s *shelved) is(mark string) bool { return len(s.marks[mark]) > 0 }

// shelve sorts listed objects by the snapshots they belong to, in the order of their
// keys. What has not exactly the form of ours is passed over.
func shelve(all []object) []*shelved {
	var out []*shelved
	var last *shelved
	for _, o := range all {
		p, rest, ok := parseKey(o.key)
		if !ok {
			continue
		}
		if last == nil || last.place != p {
			last = &shelved{place: p, marks: map[string][]marked{}}
			out = append(out, last)
		}
		last.take(rest, o)
	}
	return slices.DeleteFunc(out, func(s *shelved) bool { _, ok := s.known(); return !ok })
}

// parseKey reads whose an object is.
func parseKey(key string) (p place, rest string, ok bool) {
	tail, ours := strings.CutPrefix(key, root)
	part := strings.SplitN(tail, "/", 3)
	if !ours || len(part) != 3 {
		return place{}, "", false
	}
	owner, err := dr.Config("o=" + part[0]).Settings()
	if err != nil {
		return place{}, "", false
	}
	p = place{owner["o"], part[1]}
	_, named := parseName(p.name)
	return p, part[2], named && p.key(part[2]) == key
}

func (s *shelved) take(rest string, o object) {
	switch mark, text, _ := strings.Cut(rest, "/"); mark {
	case heldName:
		s.held = s.held || text == ""
	case manifestName:
		s.manifest = s.manifest || text == ""
	case begunMark, completeMark, leavingMark:
		if l, err := parseLabel(s.owner, text); err == nil {
			s.marks[mark] = append(s.marks[mark], marked{l, o.key, o.modified})
			slices.SortStableFunc(s.marks[mark], func(x, y marked) int { return y.when.Compare(x.when) })
		}
	default:
		if _, ok := fileNumber(rest, s.name); ok {
			s.files = append(s.files, o)
		}
	}
}

// rdbFile tells the names that ElastiCache gives to exported files.
//
// Amazon ElastiCache User Guide, "Exporting a backup": it puts a number and .rdb
// behind the name that it is given, as in my-backup-0001.rdb.
var rdbFile = regexp.MustCompile(`^-(\d{4,5})\.rdb$`)

// fileNumber gives the number of a file whose name begins like this.
func fileNumber(name, prefix string) (int, bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	m := rdbFile.FindStringSubmatch(rest)
	if !ok || m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil && n > 0
}

// whole reports whether files are all that a label promises: as many, and numbered
// from 1 on.
func (l label) whole(files []object, prefix string) bool {
	if len(files) == 0 || l.files > 0 && len(files) != l.files {
		return false
	}
	seen := map[int]bool{}
	for _, f := range files {
		n, _ := fileNumber(f.key, prefix)
		seen[n] = true
	}
	for n := range files {
		if !seen[n+1] {
			return false
		}
	}
	return true
}

func sizeOf(files []object) (n int64) {
	for _, f := range files {
		n += f.size
	}
	return n
}
