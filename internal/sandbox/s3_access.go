package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

// caller is who wants something of S3: someone in an account or a service.
type caller struct {
	identity
	// service is a service's name in policies; it has no account then.
	service string
	// canonical is the id that it has in grants.
	canonical string
}

func callerOf(r *request) caller {
	return caller{identity: r.who, canonical: canonicalID(r.who.account)}
}

// open finds the bucket of a call and sees to it that the call may be made: that it
// came to the right Region, and that the caller may do all of the IAM actions that
// it needs.
func (s *s3State) open(r *request) (*bucket, error) {
	return s.openFor(r, s3Needs(r)...)
}

func (s *s3State) openFor(r *request, actions ...string) (*bucket, error) {
	c := r.s3
	if c.expired(s.aws.callersTime()) {
		return nil, forbid("AccessDenied", "Request has expired")
	}
	b, ok := s.buckets[c.bucket]
	if !ok {
		c.tell("BucketName", c.bucket)
		return nil, notFound("NoSuchBucket", "The specified bucket does not exist")
	}
	if err := rightRegion(r, b); err != nil {
		return nil, err
	}
	if owner := c.header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != b.account {
		return nil, s3Denied()
	}
	for _, action := range actions {
		if !s.may(callerOf(r), b, c.key, action, r) {
			return nil, s.deniedBy(r, b, action)
		}
	}
	return b, nil
}

// rightRegion sends calls for another Region there.
//
// Amazon S3 API Reference, "Error responses", PermanentRedirect and
// AuthorizationHeaderMalformed; User Guide, "Virtual hosting": requests to the
// endpoint of us-east-1 in the style of a virtual host are routed to the bucket's
// Region, where then the signature is of another.
func rightRegion(r *request, b *bucket) error {
	endpoint := or(r.s3.endpoint, r.region)
	if endpoint == b.region && r.region == b.region || r.action == "GetBucketLocation" {
		return nil
	}
	r.s3.answer.Set("X-Amz-Bucket-Region", b.region)
	if endpoint == b.region || r.s3.virtual && endpoint == "us-east-1" {
		r.s3.tell("Region", b.region)
		return refuse("AuthorizationHeaderMalformed",
			"The authorization header is malformed; the region '%s' is wrong; expecting '%s'", r.region, b.region)
	}
	r.s3.tell("Endpoint", b.name+".s3."+b.region+".amazonaws.com")
	r.s3.tell("Bucket", b.name)
	return s3Refuse(http.StatusMovedPermanently, "PermanentRedirect",
		"The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
}

// may reports whether someone may do an action to a bucket or to an object in it.
//
// Amazon S3 User Guide, "How Amazon S3 authorizes a request": what the bucket's
// policy denies is denied; what it allows is allowed; else the account that owns the
// thing may do it, and those that a grant names. Policies of identities are not
// simulated but for an account's denied actions, which the core refuses.
func (s *s3State) may(who caller, b *bucket, key, action string, r *request) bool {
	switch b.policy.decide(who, b, key, action, r) {
	case policyDenies:
		return false
	case policyAllows:
		return true
	}
	o, exists := b.object(key, r.now)
	owner := b.account
	if reading := strings.HasPrefix(action, "Get") || action == "PutObjectAcl"; key != "" && exists && reading && b.hasACLs() {
		owner = o.owner
	}
	if who.service == "" && who.account == owner {
		return true
	}
	if !b.hasACLs() {
		return false
	}
	grants, permission := b.acl, bucketPermission(action)
	if permission == "" && exists {
		grants, permission = o.acl, objectPermission(action)
	}
	return permission != "" && grants.allows(who, permission, b.block.IgnorePublicAcls)
}

// bucketPermission and objectPermission give what has to be granted for an action
// (Amazon S3 User Guide, "Access control list (ACL) overview").
func bucketPermission(action string) string {
	switch action {
	case "ListBucket", "ListBucketVersions", "ListBucketMultipartUploads":
		return grantRead
	case "PutObject", "DeleteObject":
		return grantWrite
	case "GetBucketAcl":
		return grantReadACP
	case "PutBucketAcl":
		return grantWriteACP
	}
	return ""
}

func objectPermission(action string) string {
	switch action {
	case "GetObject":
		return grantRead
	case "GetObjectAcl":
		return grantReadACP
	case "PutObjectAcl":
		return grantWriteACP
	}
	return ""
}

// deniedBy says that a call is not allowed.
func (s *s3State) deniedBy(r *request, b *bucket, action string) error {
	why := "because no resource-based policy allows the s3:" + action + " action"
	if b.policy.decide(callerOf(r), b, r.s3.key, action, r) == policyDenies {
		why = "with an explicit deny in a resource-based policy"
	}
	return forbid("AccessDenied", "User: %s is not authorized to perform: s3:%s on resource: %q %s", r.who.arn, action, r.s3.resource(), why)
}

// find gives an object of a bucket. Whoever may not list the bucket is not told
// that there is none (Amazon S3 API Reference, GetObject).
func (s *s3State) find(r *request, b *bucket, key string) (*object, error) {
	if o, ok := b.object(key, r.now); ok {
		return o, nil
	}
	if !s.may(callerOf(r), b, "", "ListBucket", r) || s.aws.account(r.who.account).denies("s3", "ListBucket") {
		return nil, s3Denied()
	}
	r.s3.tell("Key", key)
	return nil, notFound("NoSuchKey", "The specified key does not exist.")
}

// notSimulatedHeaders refuses what would have an effect that is not simulated.
func notSimulatedHeaders(c *s3Call) error {
	for name := range c.header {
		lower := strings.ToLower(name)
		if slices.ContainsFunc([]string{
			"x-amz-server-side-encryption-customer", "x-amz-copy-source-server-side-encryption-customer", "x-amz-object-lock",
			"x-amz-website-redirect", "x-amz-mfa", "x-amz-write-offset",
		}, func(prefix string) bool { return strings.HasPrefix(lower, prefix) }) {
			return notSimulated("the header %s of S3", lower)
		}
	}
	if v, ok := c.parameter("versionId"); ok && v != "null" {
		return notSimulated("versions of objects")
	}
	return nil
}
