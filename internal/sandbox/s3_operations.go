package sandbox

import (
	"net/http"
	"strings"
)

// s3Route says which operation a method is, on something with a subresource: a
// parameter of the query such as ?acl. The first that fits counts.
type s3Route struct{ sub, method, operation string }

// s3BucketRoutes and s3ObjectRoutes are the operations on buckets and objects, from
// the Amazon S3 API Reference. Those that are not simulated are named too, so that
// they can be refused by name.
func s3BucketRoutes() []s3Route {
	out := []s3Route{
		{"location", "GET", "GetBucketLocation"},
		{"policyStatus", "GET", "GetBucketPolicyStatus"},
		{"uploads", "GET", "ListMultipartUploads"},
		{"versions", "GET", "ListObjectVersions"},
		{"delete", "POST", "DeleteObjects"},
		{"object-lock", "GET", "GetObjectLockConfiguration"},
		{"object-lock", "PUT", "PutObjectLockConfiguration"},
		{"publicAccessBlock", "GET", "GetPublicAccessBlock"},
		{"publicAccessBlock", "PUT", "PutPublicAccessBlock"},
		{"publicAccessBlock", "DELETE", "DeletePublicAccessBlock"},
		{"lifecycle", "GET", "GetBucketLifecycleConfiguration"},
		{"lifecycle", "PUT", "PutBucketLifecycleConfiguration"},
		{"notification", "GET", "GetBucketNotificationConfiguration"},
		{"notification", "PUT", "PutBucketNotificationConfiguration"},
	}
	for _, sub := range [...]struct{ sub, name string }{
		{"acl", "Acl"},
		{"policy", "Policy"},
		{"versioning", "Versioning"},
		{"encryption", "Encryption"},
		{"ownershipControls", "OwnershipControls"},
		{"tagging", "Tagging"},
		{"cors", "Cors"},
		{"lifecycle", "Lifecycle"},
		{"logging", "Logging"},
		{"replication", "Replication"},
		{"website", "Website"},
		{"accelerate", "AccelerateConfiguration"},
		{"requestPayment", "RequestPayment"},
	} {
		out = append(out, s3Route{sub.sub, "GET", "GetBucket" + sub.name}, s3Route{sub.sub, "PUT", "PutBucket" + sub.name},
			s3Route{sub.sub, "DELETE", "DeleteBucket" + sub.name})
	}
	return append(out,
		s3Route{"list-type", "GET", "ListObjectsV2"}, s3Route{"", "GET", "ListObjects"}, s3Route{"", "PUT", "CreateBucket"},
		s3Route{"", "HEAD", "HeadBucket"}, s3Route{"", "DELETE", "DeleteBucket"})
}

func s3ObjectRoutes() []s3Route {
	return []s3Route{
		{"acl", "GET", "GetObjectAcl"},
		{"acl", "PUT", "PutObjectAcl"},
		{"tagging", "GET", "GetObjectTagging"},
		{"tagging", "PUT", "PutObjectTagging"},
		{"tagging", "DELETE", "DeleteObjectTagging"},
		{"attributes", "GET", "GetObjectAttributes"},
		{"retention", "GET", "GetObjectRetention"},
		{"retention", "PUT", "PutObjectRetention"},
		{"legal-hold", "GET", "GetObjectLegalHold"},
		{"legal-hold", "PUT", "PutObjectLegalHold"},
		{"restore", "POST", "RestoreObject"},
		{"select", "POST", "SelectObjectContent"},
		{"uploads", "POST", "CreateMultipartUpload"},
		{"uploadId", "GET", "ListParts"},
		{"uploadId", "PUT", "UploadPart"},
		{"uploadId", "POST", "CompleteMultipartUpload"},
		{"uploadId", "DELETE", "AbortMultipartUpload"},
		{"", "GET", "GetObject"},
		{"", "HEAD", "HeadObject"},
		{"", "PUT", "PutObject"},
		{"", "DELETE", "DeleteObject"},
	}
}

// operation makes out what a call asks for; "" where there is no such operation.
func (c *s3Call) operation() string {
	switch {
	case c.bucket == "" && c.method == http.MethodGet:
		return "ListBuckets"
	case c.bucket == "":
		return ""
	}
	routes := s3ObjectRoutes()
	if c.key == "" {
		routes = s3BucketRoutes()
	}
	for _, r := range routes {
		if r.method != c.method || r.sub != "" && !c.query.Has(r.sub) {
			continue
		}
		if c.header.Get("X-Amz-Copy-Source") != "" {
			switch r.operation {
			case "PutObject":
				return "CopyObject"
			case "UploadPart":
				return "UploadPartCopy"
			}
		}
		return r.operation
	}
	return ""
}

// s3Known lists the operations of S3 for buckets and objects.
func s3Known() string {
	names := []string{"ListBuckets", "CopyObject", "UploadPartCopy"}
	for _, r := range append(s3BucketRoutes(), s3ObjectRoutes()...) {
		names = append(names, r.operation)
	}
	return strings.Join(names, " ")
}

// s3Needs gives the IAM actions that a call needs. DeleteObjects needs its own for
// each object, and answers for each.
//
// Amazon S3 User Guide, "Required permissions for Amazon S3 API operations".
func s3Needs(r *request) []string {
	switch r.action {
	case "DeleteObjects":
		return nil
	case "CopyObject", "PutObject", "CreateMultipartUpload":
		return s3WriteNeeds(r)
	case "GetObjectAttributes":
		return []string{"GetObject", "GetObjectAttributes"}
	}
	if need, ok := map[string]string{
		"ListBuckets": "ListAllMyBuckets", "HeadBucket": "ListBucket", "ListObjects": "ListBucket", "ListObjectsV2": "ListBucket",
		"ListObjectVersions": "ListBucketVersions", "ListMultipartUploads": "ListBucketMultipartUploads", "ListParts": "ListMultipartUploadParts",
		"GetBucketEncryption": "GetEncryptionConfiguration", "PutBucketEncryption": "PutEncryptionConfiguration",
		"DeleteBucketEncryption": "PutEncryptionConfiguration", "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
		"PutPublicAccessBlock": "PutBucketPublicAccessBlock", "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
		"DeleteBucketOwnershipControls": "PutBucketOwnershipControls", "DeleteBucketTagging": "PutBucketTagging",
		"HeadObject": "GetObject", "UploadPart": "PutObject", "UploadPartCopy": "PutObject", "CompleteMultipartUpload": "PutObject",
	}[r.action]; ok {
		return []string{need}
	}
	return []string{r.action}
}

// s3WriteNeeds: to write tags or grants along with an object takes the permission
// to write those.
func s3WriteNeeds(r *request) []string {
	out := []string{"PutObject"}
	if r.s3.header.Get("X-Amz-Tagging") != "" {
		out = append(out, "PutObjectTagging")
	}
	if saysGrants(r.s3.header) {
		out = append(out, "PutObjectAcl")
	}
	return out
}
