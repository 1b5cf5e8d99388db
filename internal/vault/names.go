package vault

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

const (
	manifestName = "manifest.json"
	// nameLimit is how long one element of a key may be: file systems take 255 bytes,
	// and the nonce and extensions go on top.
	nameLimit = 180
)

// An element of a key is made of these and of escapes; the first is no dot, so nothing is
// hidden nor leads anywhere.
var (
	partForm  = regexp.MustCompile(`^([A-Za-z0-9_@-][A-Za-z0-9_.@-]*)-([0-9a-f]{16})\.rdb(\.zst)?(\.age)?$`)
	markForm  = regexp.MustCompile(`^begun-([0-9a-f]{16})\.json$`)
	nonceForm = regexp.MustCompile(`^[0-9a-f]{16}$`)
	nameForm  = regexp.MustCompile(`^[A-Za-z0-9_@-][A-Za-z0-9_.@-]*$`)
)

// element turns a name into one element of a key, and different names into different
// ones.
func element(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(c) && (c != '.' || i > 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "@%02x", c)
		}
	}
	out := b.String()
	if len(out) <= nameLimit {
		return out
	}
	sum := sha256.Sum256([]byte(name))
	// No escape is followed by another @, so no short name looks like this.
	return out[:nameLimit-34] + "@@" + hex.EncodeToString(sum[:16])
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

// folder is where a snapshot is; it ends with a slash.
func (id ID) folder() string { return element(id.Resource) + "/" + element(id.Name) + "/" }

func (id ID) valid() error {
	if id.Resource == "" || id.Name == "" {
		return fmt.Errorf("a snapshot needs the name of a resource and one of its own, and has %q and %q", id.Resource, id.Name)
	}
	return nil
}

func markName(nonce string) string { return "begun-" + nonce + ".json" }

// partName names the file of a part.
func partName(part, nonce string, compressed, encrypted bool) string {
	name := element(part) + "-" + nonce + ".rdb"
	if compressed {
		name += ".zst"
	}
	if encrypted {
		name += ".age"
	}
	return name
}

// nonceOf gives the nonce in the name of a part or a mark.
func nonceOf(file string) (nonce string, ok bool) {
	if m := markForm.FindStringSubmatch(file); m != nil {
		return m[1], true
	}
	if m := partForm.FindStringSubmatch(file); m != nil {
		return m[2], true
	}
	return "", false
}

// split takes a key apart, if it has the form of those of snapshots.
func split(key string) (folder, file string, ok bool) {
	resource, rest, _ := strings.Cut(key, "/")
	name, file, deep := strings.Cut(rest, "/")
	if !deep || !nameForm.MatchString(resource) || !nameForm.MatchString(name) {
		return "", "", false
	}
	_, ours := nonceOf(file)
	return resource + "/" + name + "/", file, ours || file == manifestName
}

func newNonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return hex.EncodeToString(b[:])
}
