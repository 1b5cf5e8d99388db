package vault

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

const (
	// Format is what manifests of this version begin with. Ones of other versions are
	// shown as flawed, and not touched.
	Format       = "holdfast.vault/1"
	formatFamily = "holdfast.vault/"
	// manifestLimit is the largest manifest that is read: a thousand shards need less
	// than one MiB.
	manifestLimit = 4 << 20
)

// Consistency says of which moment the data is.
type Consistency string

// What can be said of it.
const (
	// PointInTime: all of a part is as it was at one moment.
	PointInTime Consistency = "point-in-time"
	// Fuzzy: keys were read one after the other while others were written.
	Fuzzy Consistency = "fuzzy"
)

// Manifest says of a snapshot all that a restore needs, when nothing else is left. What a
// later version of holdfast adds to one is kept when this one rewrites it.
type Manifest struct {
	Format   string  `json:"format"`
	Kind     dr.Kind `json:"kind"`
	Resource string  `json:"resource"`
	Name     string  `json:"name"`
	// Claim is whole: with the captured configuration, and the hold.
	Claim dr.Claim `json:"claim"`
	// Leaving says that it is being deleted: files may be gone.
	Leaving bool `json:"leaving,omitempty"`
	// Nonce is that of the writer.
	Nonce  string `json:"nonce"`
	Source Source `json:"source,omitzero"`
	// Begun and Ended are of the writing, Taken is the moment whose data it holds.
	Begun       time.Time   `json:"begun"`
	Taken       time.Time   `json:"taken"`
	Ended       time.Time   `json:"ended"`
	Consistency Consistency `json:"consistency"`
	// Skew is how far apart in time the parts are, in nanoseconds.
	Skew  time.Duration `json:"skew_ns,omitempty"`
	Parts []Part        `json:"parts"`
	// Copied is when it was copied here from another vault, and CopyOf where it was.
	Copied time.Time `json:"copied,omitzero"`
	CopyOf string    `json:"copy_of,omitempty"`

	more, moreClaim unknown
}

// Source is the server that a snapshot or a part was taken of.
type Source struct {
	Addresses []string `json:"addresses,omitempty"`
	// Role is "master" or "replica".
	Role string `json:"role,omitempty"`
	// Server is "redis" or "valkey".
	Server        string `json:"server,omitempty"`
	Version       string `json:"version,omitempty"`
	ReplicationID string `json:"replication_id,omitempty"`
	Offset        int64  `json:"offset,omitempty"`

	more unknown
}

// Part is one file of a snapshot: a whole server, or a shard of a cluster.
type Part struct {
	// Name is what the caller calls it, such as a shard's id.
	Name string `json:"name"`
	Stored
	// Source is the shard's own, where there are several.
	Source Source `json:"source,omitzero"`
	// CRC64 is the checksum at the end of the RDB file, in hexadecimal.
	CRC64 string `json:"crc64,omitempty"`
	// Slots are a shard's, such as "0-5461".
	Slots string `json:"slots,omitempty"`
	Keys  uint64 `json:"keys"`
	// Digest is over all keys and values, whatever their order in the file.
	Digest    string            `json:"digest,omitempty"`
	Databases map[string]uint64 `json:"databases,omitempty"`
	Types     map[string]uint64 `json:"types,omitempty"`

	more unknown
}

// Stored is the file that there is of a part.
type Stored struct {
	File string `json:"file"`
	// Bytes and SHA256 are of what is stored.
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
	// Compression is "zstd" or empty, Encryption "age" or empty; then Plain is the file
	// without them.
	Compression string  `json:"compression,omitempty"`
	Encryption  string  `json:"encryption,omitempty"`
	Plain       Content `json:"plain,omitzero"`
}

// Content is the length and SHA-256 of a file.
type Content struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// ID gives the snapshot's name.
func (m Manifest) ID() ID { return ID{m.Resource, m.Name} }

// Bytes is how much the snapshot takes up in the vault.
func (m Manifest) Bytes() (n int64) {
	for _, p := range m.Parts {
		n += p.Bytes
	}
	return n
}

// Part finds a part.
func (m Manifest) Part(name string) (Part, bool) {
	for _, p := range m.Parts {
		if p.Name == name {
			return p, true
		}
	}
	return Part{}, false
}

// errNotOurs is of what lies where a manifest would, and is none.
var errNotOurs = errors.New("no manifest of holdfast")

// parseManifest reads the manifest in a folder.
func parseManifest(body []byte, folder string) (Manifest, error) {
	var family struct {
		Format string `json:"format"`
	}
	if err := json.Unmarshal(body, &family); err != nil {
		return Manifest{}, fmt.Errorf("the manifest cannot be read: %w", err)
	}
	switch {
	case !strings.HasPrefix(family.Format, formatFamily):
		return Manifest{}, errNotOurs
	case family.Format != Format:
		return Manifest{}, fmt.Errorf("the manifest is of the format %q, which this version of holdfast does not know: use a newer one", family.Format)
	}
	var m Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return Manifest{}, fmt.Errorf("the manifest cannot be read: %w", err)
	}
	if err := m.check(folder); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// check: a manifest speaks of its own folder and of nothing beside it.
func (m Manifest) check(folder string) error {
	switch {
	case m.Resource == "" || m.Name == "" || m.ID().folder() != folder:
		return fmt.Errorf("the manifest is that of snapshot %q of %q, which belongs elsewhere", m.Name, m.Resource)
	case !nonceForm.MatchString(m.Nonce):
		return fmt.Errorf("the manifest's nonce %q is none", m.Nonce)
	case len(m.Parts) == 0:
		return errors.New("the manifest has no parts")
	}
	if claim, err := dr.ParseClaim(m.Claim.Tags()); err != nil || !claim.Is(m.Claim) {
		return fmt.Errorf("the manifest's claim cannot be read: %w", cmp.Or(err, errors.New("it does not fit into tags")))
	}
	seen := map[string]bool{}
	for _, p := range m.Parts {
		nonce, _ := nonceOf(p.File)
		switch {
		case !partForm.MatchString(p.File) || nonce != m.Nonce:
			return fmt.Errorf("the manifest's part %q has the file %q, which is not the name of one", p.Name, p.File)
		case seen[p.Name] || seen["/"+p.File]:
			return fmt.Errorf("the manifest has the part %q twice", p.Name)
		case p.Bytes < 0 || p.Plain.Bytes < 0:
			return fmt.Errorf("the manifest's part %q has a negative length", p.Name)
		}
		seen[p.Name], seen["/"+p.File] = true, true
	}
	return nil
}

func (m Manifest) encode() ([]byte, error) {
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the manifest of %s: %w", m.ID(), err)
	}
	if body = append(body, '\n'); len(body) > manifestLimit {
		return nil, fmt.Errorf("write the manifest of %s: it has %d bytes, and %d is the most", m.ID(), len(body), manifestLimit)
	}
	return body, nil
}

// unknown are the members of a JSON object that this version does not know.
type unknown map[string]json.RawMessage

type (
	plainManifest Manifest
	plainSource   Source
	plainPart     Part
)

// UnmarshalJSON reads a manifest, and keeps what it does not know.
func (m *Manifest) UnmarshalJSON(body []byte) error {
	if err := readKeeping(body, (*plainManifest)(m), &m.more); err != nil {
		return err
	}
	m.Claim.Slot, m.Claim.Taken = m.Claim.Slot.UTC(), m.Claim.Taken.UTC()
	var claim struct {
		Claim json.RawMessage `json:"claim"`
	}
	if err := json.Unmarshal(body, &claim); err != nil || claim.Claim == nil || bytes.Equal(claim.Claim, []byte("null")) {
		return err
	}
	return readKeeping(claim.Claim, new(dr.Claim), &m.moreClaim)
}

// MarshalJSON writes a manifest, with what it did not know.
func (m Manifest) MarshalJSON() ([]byte, error) {
	more := maps.Clone(m.more)
	if len(m.moreClaim) > 0 {
		claim, err := writeKeeping(m.Claim, m.moreClaim)
		if err != nil {
			return nil, err
		}
		if more == nil {
			more = unknown{}
		}
		more["claim"] = claim // In place of the plain one.
	}
	return writeKeeping(plainManifest(m), more)
}

// UnmarshalJSON reads a source, and keeps what it does not know.
func (s *Source) UnmarshalJSON(body []byte) error {
	return readKeeping(body, (*plainSource)(s), &s.more)
}

// MarshalJSON writes a source, with what it did not know.
func (s Source) MarshalJSON() ([]byte, error) { return writeKeeping(plainSource(s), s.more) }

// IsZero reports whether nothing is known of the source.
func (s Source) IsZero() bool {
	return len(s.Addresses) == 0 && s.Role == "" && s.Server == "" && s.Version == "" && s.ReplicationID == "" && s.Offset == 0 && len(s.more) == 0
}

// UnmarshalJSON reads a part, and keeps what it does not know.
func (p *Part) UnmarshalJSON(body []byte) error {
	return readKeeping(body, (*plainPart)(p), &p.more)
}

// MarshalJSON writes a part, with what it did not know.
func (p Part) MarshalJSON() ([]byte, error) { return writeKeeping(plainPart(p), p.more) }
