package sandbox

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"slices"
	"strings"
)

// The algorithms of checksums, as they end the names of headers and elements.
const (
	crc32Sum  = "CRC32"
	crc32cSum = "CRC32C"
	crc64Sum  = "CRC64NVME"
	sha1Sum   = "SHA1"
	sha256Sum = "SHA256"
)

func checksumAlgorithms() []string {
	return []string{crc32Sum, crc32cSum, crc64Sum, sha1Sum, sha256Sum}
}

// The types of checksums: of all the bytes, or of the checksums of the parts.
const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

// maxMadeSum bounds how much is made just to give its checksum. Objects beyond it
// have none, as those have that were stored before S3 computed them by itself.
const maxMadeSum = 64 << 20

// checksum is one that is kept with an object; the zero value is none. That of an
// object is computed when it is first asked for.
type checksum struct{ algorithm, value, kind string }

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case crc32Sum:
		return crc32.NewIEEE()
	case crc32cSum:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case sha1Sum:
		return sha1.New()
	case sha256Sum:
		return sha256.New()
	default:
		// CRC-64/NVME, its polynomial reflected.
		return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5))
	}
}

// sumOf gives the checksum of some bytes, in base64.
func sumOf(algorithm string, c *content) string {
	h := newHash(algorithm)
	_, _ = io.Copy(h, c.reader()) // Memory does not fail to be read.
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func checksumHeader(algorithm string) string { return "X-Amz-Checksum-" + strings.ToLower(algorithm) }

// statedSum gives the checksum that a call states, in a header or after the body.
func statedSum(c *s3Call) checksum {
	for _, algorithm := range checksumAlgorithms() {
		if v := c.says(checksumHeader(algorithm)); v != "" {
			return checksum{algorithm, v, fullObject}
		}
	}
	return checksum{}
}

// checkBody compares the body with what the call says of it.
//
// Amazon S3 API Reference, PutObject and "Error responses": BadDigest,
// InvalidDigest, XAmzContentSHA256Mismatch, InvalidRequest.
func checkBody(c *s3Call) error {
	if c.damaged != nil {
		return c.damaged
	}
	for _, name := range [...]string{"Md5", "Sha512", "Xxhash3", "Xxhash64", "Xxhash128"} {
		if c.says("X-Amz-Checksum-"+name) != "" {
			return notSimulated("checksums of the algorithm %s", name)
		}
	}
	if want := c.header.Get("Content-Md5"); want != "" {
		sum, err := base64.StdEncoding.DecodeString(want)
		if err != nil || len(sum) != md5.Size {
			return refuse("InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		if [md5.Size]byte(sum) != md5.Sum(c.body) {
			return refuse("BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	want, got := c.header.Get("X-Amz-Content-Sha256"), sha256.Sum256(c.body)
	if len(want) == 2*len(got) && want != hex.EncodeToString(got[:]) {
		return refuse("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if name := c.header.Get("X-Amz-Trailer"); name != "" && c.trailer.Get(name) == "" {
		return refuse("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
	}
	stated := statedSum(c)
	if stated.algorithm != "" && stated.value != sumOf(stated.algorithm, bytesOf(c.body)) {
		return refuse("BadDigest", "The %s you specified did not match the calculated checksum.", stated.algorithm)
	}
	return nil
}

// checksumFor gives the checksum that is kept with what a call wrote: the one that
// it states, or CRC64NVME, which S3 computes by itself.
func checksumFor(c *s3Call) checksum {
	if got := statedSum(c); got.algorithm != "" {
		return got
	}
	return checksum{crc64Sum, "", fullObject}
}

// filled gives the checksum with its value.
func (s checksum) filled(of *content) checksum {
	if s.value != "" || s.algorithm == "" {
		return s
	}
	if of.made() && of.size() > maxMadeSum {
		return checksum{}
	}
	s.value = sumOf(s.algorithm, of)
	return s
}

// wants reads which algorithm a call names for what is to be written; "" for none.
func wantsChecksum(c *s3Call) (string, error) {
	name := c.header.Get("X-Amz-Checksum-Algorithm")
	if name == "" || slices.Contains(checksumAlgorithms(), name) {
		return name, nil
	}
	return "", refuse("InvalidRequest", "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}

// put writes a checksum into headers.
func (s checksum) put(h http.Header) {
	if s.value != "" {
		h.Set(checksumHeader(s.algorithm), s.value)
		h.Set("X-Amz-Checksum-Type", s.kind)
	}
}

// checksumXML is a checksum as it stands in bodies.
type checksumXML struct {
	ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA1, ChecksumSHA256 string `xml:",omitempty"`
}

func (x *checksumXML) field(algorithm string) *string {
	switch algorithm {
	case crc32Sum:
		return &x.ChecksumCRC32
	case crc32cSum:
		return &x.ChecksumCRC32C
	case sha1Sum:
		return &x.ChecksumSHA1
	case sha256Sum:
		return &x.ChecksumSHA256
	default:
		return &x.ChecksumCRC64NVME
	}
}

func (s checksum) xml() checksumXML {
	var x checksumXML
	if s.value != "" {
		*x.field(s.algorithm) = s.value
	}
	return x
}

// ofParts gives the checksum of an object from those of its parts.
//
// Amazon S3 User Guide, "Checking object integrity": CRC64NVME is always of the
// full object and the SHAs never are.
func ofParts(algorithm, kind string, parts []*s3Part) checksum {
	if kind == fullObject {
		return checksum{algorithm, "", fullObject}
	}
	h := newHash(algorithm)
	for _, p := range parts {
		raw, _ := base64.StdEncoding.DecodeString(p.sum.value) // It is one that was computed here.
		h.Write(raw)
	}
	return checksum{algorithm, fmt.Sprintf("%s-%d", base64.StdEncoding.EncodeToString(h.Sum(nil)), len(parts)), composite}
}
