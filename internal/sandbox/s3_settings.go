package sandbox

import (
	"net/http"
	"slices"
)

// Who owns the objects of a bucket.
const (
	ownerEnforced  = "BucketOwnerEnforced"
	ownerPreferred = "BucketOwnerPreferred"
	ownerWriter    = "ObjectWriter"
)

func ownerships() []string { return []string{ownerEnforced, ownerPreferred, ownerWriter} }

// publicAccess says what of public access is blocked. All of it is in new buckets
// (Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage").
type publicAccess struct {
	BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool
}

func allBlocked() publicAccess { return publicAccess{true, true, true, true} }

func noContent() *s3Answer { return &s3Answer{status: http.StatusNoContent} }

// change does something to the bucket of a call that may be made.
func (s *s3State) change(r *request, do func(*bucket) error) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	if err := checkBody(r.s3); err != nil {
		return nil, err
	}
	return nil, do(b)
}

func (s *s3State) getVersioning(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	type versioning struct {
		Status string `xml:",omitempty"`
	}
	return s3XML("VersioningConfiguration", versioning{b.versioning}), nil
}

func (s *s3State) putVersioning(r *request) (any, error) {
	return s.change(r, func(b *bucket) error {
		var body struct{ Status string }
		if err := readS3XML(r.s3, &body); err != nil {
			return err
		}
		if body.Status != "Enabled" && body.Status != "Suspended" {
			return refuse("IllegalVersioningConfigurationException", "The Versioning element must be specified")
		}
		b.versioning = body.Status
		return nil
	})
}

type (
	encryptionXML struct{ Rule []encryptionRuleXML }

	encryptionRuleXML struct {
		ApplyServerSideEncryptionByDefault struct {
			SSEAlgorithm   string
			KMSMasterKeyID string `xml:",omitempty"`
		}
		BucketKeyEnabled bool
	}
)

// getEncryption gives how objects are encrypted by default, which all are.
func (s *s3State) getEncryption(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	var rule encryptionRuleXML
	rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm = or(b.sse.algorithm, sseS3)
	rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID, rule.BucketKeyEnabled = b.sse.key, b.sse.bucketKey
	return s3XML("ServerSideEncryptionConfiguration", encryptionXML{[]encryptionRuleXML{rule}}), nil
}

// putEncryption sets it. Whether there is such a key is not looked at until an
// object is written.
func (s *s3State) putEncryption(r *request) (any, error) {
	return s.change(r, func(b *bucket) error {
		var body encryptionXML
		if err := readS3XML(r.s3, &body); err != nil {
			return err
		}
		if len(body.Rule) != 1 {
			return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
		rule := body.Rule[0]
		by := rule.ApplyServerSideEncryptionByDefault
		switch {
		case by.SSEAlgorithm == "aws:kms:dsse":
			return notSimulated("dual-layer encryption")
		case by.SSEAlgorithm != sseS3 && by.SSEAlgorithm != sseKMS:
			return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		case by.SSEAlgorithm == sseS3 && by.KMSMasterKeyID != "":
			return refuse("InvalidArgument", "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
		}
		b.sse = encryption{by.SSEAlgorithm, by.KMSMasterKeyID, rule.BucketKeyEnabled}
		return nil
	})
}

func (s *s3State) deleteEncryption(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	b.sse = encryption{}
	return noContent(), nil
}

type ownershipXML struct {
	Rule []struct{ ObjectOwnership string }
}

func (s *s3State) getOwnership(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	var x ownershipXML
	x.Rule = append(x.Rule, struct{ ObjectOwnership string }{b.ownership})
	return s3XML("OwnershipControls", x), nil
}

// putOwnership sets who owns objects. Lists that grant others something must go
// before lists are disabled.
func (s *s3State) putOwnership(r *request) (any, error) {
	return s.change(r, func(b *bucket) error {
		var body ownershipXML
		if err := readS3XML(r.s3, &body); err != nil {
			return err
		}
		if len(body.Rule) != 1 || !slices.Contains(ownerships(), body.Rule[0].ObjectOwnership) {
			return refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
		to := body.Rule[0].ObjectOwnership
		others := slices.ContainsFunc(b.acl, func(g grant) bool { return g.to != canonicalID(b.account) })
		if to == ownerEnforced && others {
			return refuse("InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
		}
		b.ownership = to
		return nil
	})
}

func (s *s3State) deleteOwnership(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	b.ownership = ownerWriter
	return noContent(), nil
}

func (s *s3State) getPublicAccess(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	if b.block == (publicAccess{}) {
		return nil, notFound("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
	}
	return s3XML("PublicAccessBlockConfiguration", b.block), nil
}

func (s *s3State) putPublicAccess(r *request) (any, error) {
	return s.change(r, func(b *bucket) error {
		var body publicAccess
		if err := readS3XML(r.s3, &body); err != nil {
			return err
		}
		b.block = body
		return nil
	})
}

func (s *s3State) deletePublicAccess(r *request) (any, error) {
	b, err := s.open(r)
	if err != nil {
		return nil, err
	}
	b.block = publicAccess{}
	return noContent(), nil
}

func (s *s3State) getPolicy(r *request) (any, error) {
	b, err := s.openForOwner(r)
	if err != nil {
		return nil, err
	}
	if b.policy == nil {
		r.s3.tell("BucketName", b.name)
		return nil, notFound("NoSuchBucketPolicy", "The bucket policy does not exist")
	}
	return &s3Answer{header: http.Header{"Content-Type": {"application/json"}}, text: b.policy.text}, nil
}

func (s *s3State) putPolicy(r *request) (any, error) {
	b, err := s.openForOwner(r)
	if err != nil {
		return nil, err
	}
	p, err := parsePolicy(b, slices.Clone(r.s3.body))
	if err := firstError(checkBody(r.s3), err); err != nil {
		return nil, err
	}
	if b.block.BlockPublicPolicy && p.public() {
		return nil, forbid("AccessDenied", "User: %s is not authorized to perform: s3:PutBucketPolicy on resource: %q because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", r.who.arn, r.s3.resource())
	}
	b.policy = p
	return noContent(), nil
}

func (s *s3State) deletePolicy(r *request) (any, error) {
	b, err := s.openForOwner(r)
	if err != nil {
		return nil, err
	}
	b.policy = nil
	return noContent(), nil
}

// openForOwner opens a bucket for calls about its policy: only its owner's account
// may make them, whatever the policy says, so that nobody locks themselves out.
//
// Amazon S3 API Reference, PutBucketPolicy: 405 for another account that may.
func (s *s3State) openForOwner(r *request) (*bucket, error) {
	b, err := s.openFor(r)
	if err != nil {
		return nil, err
	}
	if b.account == r.who.account {
		return b, nil
	}
	if s.may(callerOf(r), b, "", r.action, r) {
		return nil, s3Refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	}
	return nil, s3Denied()
}
