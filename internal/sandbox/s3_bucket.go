package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type (
	bucketsXML struct {
		Owner             ownerXML
		Buckets           struct{ Bucket []bucketXML }
		ContinuationToken string `xml:",omitempty"`
		Prefix            string `xml:",omitempty"`
	}
	bucketXML struct {
		Name, CreationDate string
		BucketRegion       string `xml:",omitempty"`
		BucketArn          string
	}
	bucketBody struct {
		LocationConstraint string
		Location           *struct{}
		Tags               []s3Tag `xml:"Tags>Tag"`
	}
)

// maxBuckets is the default of the quota (Amazon S3 User Guide, "General purpose
// bucket quotas").
const maxBuckets = 10_000

// createBucket makes a bucket. Its name must be nobody's in all of AWS.
//
// Amazon S3 API Reference, CreateBucket.
func (s *s3State) createBucket(r *request) (any, error) {
	c := r.s3
	region, tags, err := s.bucketRegion(r)
	if err := firstError(err, checkBucketName(c.bucket)); err != nil {
		return nil, err
	}
	if c.header.Get("X-Amz-Bucket-Object-Lock-Enabled") == "true" {
		return nil, notSimulated("the locking of objects")
	}
	made := newBucket(place{r.who.account, region}, c.bucket, r.now)
	made.tags, made.ownership = tags, or(c.header.Get("X-Amz-Object-Ownership"), ownerEnforced)
	if !slices.Contains(ownerships(), made.ownership) {
		return nil, refuse("InvalidArgument", "Invalid x-amz-object-ownership header: %s", made.ownership)
	}
	if made.acl, err = readBucketACL(c, made); err != nil {
		return nil, err
	}
	if err := s.bucketNameFree(made); err != nil {
		return nil, err
	}
	if old, ok := s.buckets[c.bucket]; ok { // In us-east-1 to make one's own bucket again is no error.
		old.acl = made.acl
		return head("Location", "/"+c.bucket), nil
	}
	s.buckets[c.bucket] = made
	return head("Location", "/"+c.bucket, "X-Amz-Bucket-Arn", bucketARN(c.bucket)), nil
}

func readBucketACL(c *s3Call, b *bucket) (accessList, error) {
	list, err := readACL(c, b, b.account, false)
	if !b.hasACLs() && err != nil {
		return nil, refuse("InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	return list, err
}

// bucketRegion reads the Region of a new bucket. Only the endpoint of us-east-1
// takes others than its own, and it alone needs none.
func (s *s3State) bucketRegion(r *request) (string, tagSet, error) {
	endpoint := or(r.s3.endpoint, r.region)
	var body bucketBody
	if len(r.s3.body) > 0 {
		if err := readS3XML(r.s3, &body); err != nil {
			return "", nil, err
		}
	}
	if body.Location != nil {
		return "", nil, notSimulated("directory buckets")
	}
	region := body.LocationConstraint
	if region == "EU" {
		region = "eu-west-1"
	}
	tags, err := s3TagSet(body.Tags)
	switch {
	case err != nil:
		return "", nil, err
	case region == "us-east-1" || region != "" && !regionPattern.MatchString(region):
		return "", nil, refuse("InvalidLocationConstraint", "The specified location-constraint is not valid")
	case region == "" && endpoint == "us-east-1":
		return endpoint, tags, nil
	case region == "":
		return "", nil, refuse("IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case region != endpoint && endpoint != "us-east-1":
		return "", nil, refuse("IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", region)
	}
	return region, tags, nil
}

func (s *s3State) bucketNameFree(made *bucket) error {
	old, taken := s.buckets[made.name]
	n := 0
	for _, b := range s.buckets {
		if b.account == made.account {
			n++
		}
	}
	switch {
	case !taken && n >= maxBuckets:
		return refuse("TooManyBuckets", "You have attempted to create more buckets than allowed")
	case !taken, old.place == made.place && made.region == "us-east-1":
		return nil
	case old.account == made.account:
		return s3Refuse(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	return s3Refuse(http.StatusConflict, "BucketAlreadyExists",
		"The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
}

func (s *s3State) headBucket(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	return head("X-Amz-Bucket-Region", b.region, "X-Amz-Bucket-Arn", bucketARN(b.name), "X-Amz-Access-Point-Alias", "false"), nil
}

// deleteBucket deletes a bucket, which must be empty.
func (s *s3State) deleteBucket(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	if len(b.keys(r.now)) > 0 {
		r.s3.tell("BucketName", b.name)
		return nil, s3Refuse(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	delete(s.buckets, b.name)
	return &s3Answer{status: http.StatusNoContent}, nil
}

// getLocation gives the Region of a bucket: nothing for us-east-1.
func (s *s3State) getLocation(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	type location struct {
		Region string `xml:",chardata"`
	}
	region := b.region
	if region == "us-east-1" {
		region = ""
	}
	return s3XML("LocationConstraint", location{region}), nil
}

// listBuckets lists the buckets of an account, in all Regions.
func (s *s3State) listBuckets(r *request) (any, error) {
	prefix, _ := r.s3.parameter("prefix")
	only, _ := r.s3.parameter("bucket-region")
	after, _ := r.s3.parameter("continuation-token")
	limit := maxBuckets
	if text, ok := r.s3.parameter("max-buckets"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxBuckets {
			return nil, refuse("InvalidArgument", "Argument max-buckets must be an integer between 1 and %d", maxBuckets)
		}
		limit = n
	}
	x := bucketsXML{Owner: ownerXML{ID: canonicalID(r.who.account)}, Prefix: prefix}
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		b := s.buckets[name]
		if b.account != r.who.account || !strings.HasPrefix(name, prefix) || only != "" && b.region != only || name <= after {
			continue
		}
		if len(x.Buckets.Bucket) == limit {
			x.ContinuationToken = x.Buckets.Bucket[limit-1].Name
			break
		}
		x.Buckets.Bucket = append(x.Buckets.Bucket, bucketXML{name, stamp(b.created), b.region, bucketARN(name)})
	}
	return s3XML("ListAllMyBucketsResult", x), nil
}
