package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// s3State is all that there is in S3. The names of buckets are everybody's.
type s3State struct {
	aws     *AWS
	buckets map[string]*bucket
	made    int
}

func newS3(a *AWS) *s3State { return &s3State{aws: a, buckets: map[string]*bucket{}} }

// bucket is a bucket. It is in one Region of its owner's account.
type bucket struct {
	place
	name      string
	created   time.Time
	ownership string
	block     publicAccess
	acl       accessList
	policy    *bucketPolicy
	sse       encryption
	// versioning is the status that was set. Versions are not kept.
	versioning string
	tags       tagSet
	objects    map[string]timeline[*object]
	uploads    map[string]*upload
}

// object is an object, or one that is still to come. It is replaced and not
// changed, but for its tags and grants.
type object struct {
	key     string
	owner   string
	created time.Time
	content *content
	etag    string
	sum     checksum
	sse     encryption
	// meta holds the headers that are kept with it, as they are given back.
	meta  map[string]string
	class string
	tags  tagSet
	acl   accessList
	// parts are the sizes of the parts that it was put together from.
	parts []int64
}

// encryption says how an object is encrypted, or is to be.
type encryption struct {
	algorithm, key string
	bucketKey      bool
}

const (
	sseS3  = "AES256"
	sseKMS = "aws:kms"
)

// newBucket gives a bucket as it is by default.
func newBucket(p place, name string, now time.Time) *bucket {
	return &bucket{
		place: p, name: name, created: now, ownership: ownerEnforced, block: allBlocked(),
		objects: map[string]timeline[*object]{}, uploads: map[string]*upload{},
	}
}

// object finds an object as of a moment.
func (b *bucket) object(key string, when time.Time) (*object, bool) {
	o := b.objects[key].get(when)
	return o, o != nil
}

// put stores an object from a moment on. What was there before is not needed any
// more once that has come: no read of S3 is stale.
func (b *bucket) put(o *object, from, now time.Time) {
	if from.After(now) {
		l := b.objects[o.key]
		l.set(from, o)
		b.objects[o.key] = l
		return
	}
	b.objects[o.key] = append(timeline[*object]{{from, o}}, b.toCome(o.key, now)...)
}

// drop deletes an object.
func (b *bucket) drop(key string, now time.Time) {
	if b.objects[key] = b.toCome(key, now); len(b.objects[key]) == 0 {
		delete(b.objects, key)
	}
}

// toCome gives what will be stored under a key later.
func (b *bucket) toCome(key string, now time.Time) timeline[*object] {
	return slices.DeleteFunc(slices.Clone(b.objects[key]), func(c change[*object]) bool { return !c.at.After(now) })
}

// keys gives the keys of the objects that exist, in the order of their bytes.
func (b *bucket) keys(when time.Time) []string {
	var out []string
	for key := range b.objects {
		if _, ok := b.object(key, when); ok {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// checkBucketName: Amazon S3 User Guide, "General purpose bucket naming rules".
func checkBucketName(name string) error {
	bad := len(name) < 3 || len(name) > 63 || !bucketPattern.MatchString(name) || addressPattern.MatchString(name) ||
		strings.Contains(name, "..")
	for _, prefix := range [...]string{"xn--", "sthree-", "amzn-s3-demo-"} {
		bad = bad || strings.HasPrefix(name, prefix)
	}
	for _, suffix := range [...]string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		bad = bad || strings.HasSuffix(name, suffix)
	}
	if bad {
		return refuse("InvalidBucketName", "The specified bucket is not valid.")
	}
	return nil
}

var (
	bucketPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`)
	addressPattern = regexp.MustCompile(`^\d+\.\d+\.\d+\.\d+$`)
)

// canonicalID gives the id that an account has in grants.
func canonicalID(account string) string { return hashed(64, "canonical", account) }

// storedBy gives an object that AWS itself or a seed puts into a bucket.
func storedBy(b *bucket, key string, c *content, now time.Time) *object {
	o := &object{
		key: key, owner: b.account, created: now, content: c, etag: c.etag(), class: "STANDARD", sum: checksum{crc64Sum, "", fullObject},
		meta: map[string]string{"Content-Type": "binary/octet-stream"}, sse: encryption{algorithm: sseS3},
	}
	if b.hasACLs() {
		o.acl = accessList{{canonicalID(b.account), grantAll}}
	}
	return o
}
