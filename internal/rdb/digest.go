package rdb

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// DigestVersion stands before every digest. It changes whenever the same data would get
// another one.
const DigestVersion = "hf1"

// Digest stands for data, however it is encoded and in whatever order keys come: the sum,
// modulo 2^128, of one hash for each key over its name, kind, expiry and value.
//
// Of a value counts what clients see: integers and their text are the same, scores count by
// value, sets, hashes and sorted sets have no order, fields count with their expiry, lists
// and streams have an order. Of streams count the entries, the last and the highest deleted
// ID, how many were ever added, and groups with what is pending at whom and since when. No
// part of it are LRU and LFU, when consumers were seen, how many entries a group was given,
// and what idempotent producers sent, since servers make these up or forget them. What a
// module wrote counts part by part.
//
// Different data have the same digest by chance with a probability of about 2^-127 for one
// comparison; comparing every slot of a cluster for a hundred years, every second, leaves
// it below 2^-80. It is no proof against somebody who wants to deceive.
type Digest struct{ sum sum128 }

// IsZero reports whether it is the digest of nothing.
func (d Digest) IsZero() bool { return d == Digest{} }

func (d Digest) bytes() []byte {
	var p [16]byte
	binary.BigEndian.PutUint64(p[:], d.sum.b)
	binary.BigEndian.PutUint64(p[8:], d.sum.a)
	return p[:]
}

func (d Digest) String() string { return DigestVersion + ":" + hex.EncodeToString(d.bytes()) }

// MarshalText gives what String gives.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText gave.
func (d *Digest) UnmarshalText(p []byte) error {
	const prefix = DigestVersion + ":"
	if len(p) != len(prefix)+32 || string(p[:len(prefix)]) != prefix {
		return fmt.Errorf("rdb: %s is no digest of this version: it has to begin with %s and go on with 32 hexadecimal digits", quote(p), prefix)
	}
	raw, err := hex.DecodeString(string(p[len(prefix):]))
	if err != nil {
		return fmt.Errorf("rdb: reading the digest %s: %w", quote(p), err)
	}
	d.sum = sum128{binary.BigEndian.Uint64(raw[8:]), binary.BigEndian.Uint64(raw)}
	return nil
}

// plus adds the digest of other data.
func (d Digest) plus(o Digest) Digest { return Digest{d.sum.plus(o.sum)} }

// keyDigest is that of the key that was read last.
func (w *walk) keyDigest() Digest {
	k := &w.key
	h := sum128{seedKey, k1}.fold(w.nameHash).with(uint64(k.Type.Kind)).with(uint64(k.Expires))
	if w.hasMeta {
		h = h.fold(w.meta)
	}
	return Digest{h.fold(w.acc).with(w.elements).finish()}
}
