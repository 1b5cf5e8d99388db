package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func setPolicy(ctx context.Context, c *s3.Client, bucket string, statements ...string) error {
	_, err := c.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: &bucket, Policy: aws.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`),
	})
	return err
}

func TestBucketPolicies(t *testing.T) {
	const whom = `"Effect":"Allow","Principal":{"AWS":"222222222222"},`
	get := func(ctx context.Context, c *s3.Client) error {
		_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shop"), Key: aws.String("a/k")})
		return err
	}
	for _, tc := range []struct {
		name, statement, put, get string
	}{
		{"a prefix", `{` + whom + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/a/*"}`, "", ""},
		{"another prefix", `{` + whom + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/b/*"}`, "", "AccessDenied"},
		{"wildcards", `{` + whom + `"Action":["s3:Get*","s3:List*"],"Resource":["arn:aws:s3:::shop","arn:aws:s3:::shop/?/k"]}`, "", ""},
		{"all but", `{` + whom + `"NotAction":"s3:GetObject","Resource":"arn:aws:s3:::shop/*"}`, "", "AccessDenied"},
		{"a role of another", `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:role/reader"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/*"}`, "", "AccessDenied"},
		{"a condition that holds", `{` + whom + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/*","Condition":{"StringEquals":{"aws:PrincipalAccount":"222222222222"}}}`, "", ""},
		{"a condition that does not", `{` + whom + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, "", "AccessDenied"},
		{"a condition on what is not known", `{` + whom + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/*","Condition":{"StringEquals":{"aws:SourceVpce":"v"}}}`, "", "AccessDenied"},
		{"everyone", `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/*"}`, "AccessDenied", "AccessDenied"},
		{"another bucket", `{` + whom + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"}`, "MalformedPolicy", "AccessDenied"},
		{"objects without objects", `{` + whom + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::shop"}`, "MalformedPolicy", "AccessDenied"},
		{"buckets without a bucket", `{` + whom + `"Action":"s3:ListBucket","Resource":"arn:aws:s3:::shop/*"}`, "MalformedPolicy", "AccessDenied"},
		{"nobody", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/*"}`, "MalformedPolicy", "AccessDenied"},
		{"a strange operator", `{` + whom + `"Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/*","Condition":{"DateLessThan":{"aws:CurrentTime":"x"}}}`, "NotImplemented", "AccessDenied"},
		{"no JSON", `{`, "MalformedPolicy", "AccessDenied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBuckets(t, func(t *testing.T, a *sandbox.AWS, c *s3.Client) {
				ctx := t.Context()
				putBytes(ctx, t, c, "shop", "a/k", []byte("x"))
				wantCode(t, setPolicy(ctx, c, "shop", tc.statement), tc.put)
				wantCode(t, get(ctx, s3At(a, recovery, east)), tc.get)
			})
		})
	}
}

func TestPolicyOverItsOwner(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, c *s3.Client) {
		ctx := t.Context()
		_, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("shop")})
		wantCode(t, err, "NoSuchBucketPolicy")
		wantCode(t, setPolicy(ctx, c, "shop", `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::shop","arn:aws:s3:::shop/*"]}`), "")
		_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("shop")})
		wantCode(t, err, "AccessDenied")
		if !strings.Contains(err.Error(), "explicit deny") {
			t.Errorf("the denial: %v", err)
		}
		got, err := c.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("shop")})
		wantCode(t, err, "")
		if !strings.Contains(*got.Policy, `"Deny"`) {
			t.Errorf("the policy: %s", *got.Policy)
		}
		_, err = s3At(a, recovery, east).DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: aws.String("shop")})
		wantCode(t, err, "AccessDenied")
		_, err = c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: aws.String("shop")})
		wantCode(t, err, "")
		_, err = c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("shop")})
		wantCode(t, err, "")
	})
}

func TestGrants(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, c *s3.Client) {
		ctx, other := t.Context(), s3At(a, recovery, east)
		putBytes(ctx, t, c, "shop", "k", []byte("x"))
		owner, err := other.ListBuckets(ctx, &s3.ListBucketsInput{})
		wantCode(t, err, "")
		grantee := aws.String("id=" + *owner.Owner.ID)
		_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: aws.String("shop"), GrantRead: grantee})
		wantCode(t, err, "AccessControlListNotSupported")
		_, err = c.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
			Bucket: aws.String("shop"), OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}},
		})
		wantCode(t, err, "")
		list := func() error {
			_, err := other.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("shop")})
			return err
		}
		wantCode(t, list(), "AccessDenied")
		_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: aws.String("shop"), GrantRead: grantee, GrantWrite: grantee})
		wantCode(t, err, "")
		wantCode(t, list(), "")
		_, err = other.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shop"), Key: aws.String("k")})
		wantCode(t, err, "AccessDenied")
		acl, err := c.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: aws.String("shop")})
		wantCode(t, err, "")
		if len(acl.Grants) != 2 || acl.Grants[0].Grantee.Type != types.TypeCanonicalUser || *acl.Grants[0].Grantee.ID != *owner.Owner.ID {
			t.Errorf("the bucket's grants: %+v", acl.Grants)
		}
		putBytes(ctx, t, other, "shop", "theirs", []byte("y"))
		_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shop"), Key: aws.String("theirs")})
		wantCode(t, err, "AccessDenied") // It is its writer's.
		_, err = c.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: aws.String("shop"), Key: aws.String("k"), AccessControlPolicy: &types.AccessControlPolicy{
			Owner:  acl.Owner,
			Grants: []types.Grant{{Grantee: &types.Grantee{Type: types.TypeCanonicalUser, ID: owner.Owner.ID}, Permission: types.PermissionRead}},
		}})
		wantCode(t, err, "")
		_, err = other.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shop"), Key: aws.String("k")})
		wantCode(t, err, "")
		_, err = c.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: aws.String("shop"), ACL: types.BucketCannedACLPublicRead})
		wantCode(t, err, "AccessDenied") // Public access is blocked.
	})
}

func TestBucketSettings(t *testing.T) {
	inBuckets(t, func(t *testing.T, _ *sandbox.AWS, c *s3.Client) {
		ctx, bucket := t.Context(), aws.String("shop")
		_, err := c.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
		wantCode(t, err, "")
		versioning, err := c.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket})
		wantCode(t, err, "")
		block, err := c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
		wantCode(t, err, "")
		if versioning.Status != types.BucketVersioningStatusEnabled || !*block.PublicAccessBlockConfiguration.BlockPublicAcls {
			t.Errorf("versioning %v, block %+v", versioning.Status, block.PublicAccessBlockConfiguration)
		}
		_, err = c.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: bucket})
		wantCode(t, err, "")
		_, err = c.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
		wantCode(t, err, "NoSuchPublicAccessBlockConfiguration")
		_, err = c.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket})
		wantCode(t, err, "NoSuchTagSet")
		tags := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}
		_, err = c.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: bucket, Tagging: tags})
		wantCode(t, err, "")
		putBytes(ctx, t, c, "shop", "k", nil)
		_, err = c.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: bucket, Key: aws.String("k"), Tagging: tags})
		wantCode(t, err, "")
		got, err := c.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: aws.String("k")})
		wantCode(t, err, "")
		if len(got.TagSet) != 1 || *got.TagSet[0].Value != "b" {
			t.Errorf("tags: %+v", got.TagSet)
		}
		_, err = c.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: bucket})
		wantCode(t, err, "NotImplemented")
	})
}

func TestObjectEncryption(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, c *s3.Client) {
		ctx, bucket, key := t.Context(), aws.String("shop"), aws.String("k")
		put := func(id string) (*s3.PutObjectOutput, error) {
			in := &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x"), ServerSideEncryption: types.ServerSideEncryptionAwsKms}
			if id != "" {
				in.SSEKMSKeyId = &id
			}
			return c.PutObject(ctx, in)
		}
		out, err := put("")
		wantCode(t, err, "")
		if out.SSEKMSKeyId == nil || !strings.HasPrefix(*out.SSEKMSKeyId, "arn:aws:kms:us-east-1:111111111111:key/") {
			t.Errorf("put: %+v", out)
		}
		wantCode(t, setPolicy(ctx, c, "shop", `{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shop/*"}`), "")
		_, err = s3At(a, recovery, east).GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
		wantCode(t, err, "AccessDenied") // The key is AWS's, for prod only.
		_, err = put("00000000-0000-4000-8000-000000000009")
		wantCode(t, err, "KMS.NotFoundException")
		_, err = put("alias/none")
		wantCode(t, err, "KMS.NotFoundException")
		_, err = c.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: bucket, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
			Rules: []types.ServerSideEncryptionRule{{
				ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms},
				BucketKeyEnabled:                   aws.Bool(true),
			}},
		}})
		wantCode(t, err, "")
		plain := putBytes(ctx, t, c, "shop", "k", nil)
		if plain.ServerSideEncryption != types.ServerSideEncryptionAwsKms || !*plain.BucketKeyEnabled {
			t.Errorf("by the bucket's default: %+v", plain)
		}
		how, err := c.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: bucket})
		wantCode(t, err, "")
		if how.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm != types.ServerSideEncryptionAwsKms {
			t.Errorf("the default: %+v", how.ServerSideEncryptionConfiguration)
		}
	})
}

// S3 lives within the sandbox's permissions, faults, limits and call log.
func TestS3WithinTheSandbox(t *testing.T) {
	inBuckets(t, func(t *testing.T, a *sandbox.AWS, c *s3.Client) {
		ctx := t.Context()
		put := func(c *s3.Client, key string) error {
			_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("shop"), Key: &key, Body: strings.NewReader("x")})
			return err
		}
		wantCode(t, put(c, "k"), "")
		a.SetDenied(prod, "s3:ListBucket", "s3:PutObject", "s3:DeleteObject")
		wantCode(t, put(c, "k"), "AccessDenied")
		_, err := c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("shop")})
		wantCode(t, err, "AccessDenied")
		_, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shop"), Key: aws.String("none")})
		wantCode(t, err, "AccessDenied") // Whoever may not list is not told what is not there.
		some, err := c.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: aws.String("shop"), Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("k")}}}})
		wantCode(t, err, "")
		if len(some.Errors) != 1 || *some.Errors[0].Code != "AccessDenied" {
			t.Errorf("delete: %+v", some)
		}
		a.SetDenied(prod)

		a.ResetCalls()
		a.Inject(sandbox.Fault{Match: sandbox.Match{Service: "s3", Action: "PutObject"}, Kind: sandbox.Fail, Code: "SlowDown", Times: 2})
		wantCode(t, put(c, "again"), "") // The SDK tries it again.
		if calls := a.Calls(); len(calls) != 3 || calls[0].Code != "SlowDown" || calls[2].Action != "PutObject" || calls[2].Account != prod || calls[2].Region != east {
			t.Errorf("calls: %+v", calls)
		}
		a.Inject(sandbox.Fault{Match: sandbox.Match{Action: "PutObject"}, Kind: sandbox.Timeout, Times: 1})
		wantCode(t, put(c, "lost"), "")
		crashing := s3At(a, prod, east)
		a.Inject(sandbox.Fault{Match: sandbox.Match{Action: "PutObject"}, Kind: sandbox.CrashAfter, Times: 1})
		if err := put(crashing, "last"); !errors.Is(err, sandbox.ErrCrashed) {
			t.Errorf("a crash: %v", err)
		}
		if got := getBytes(ctx, t, c, "shop", "last"); string(got) != "x" {
			t.Errorf("what was written before the crash: %q", got)
		}
		signed, err := s3.NewPresignClient(c).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("shop"), Key: aws.String("k")}, s3.WithPresignExpires(time.Hour))
		wantCode(t, err, "")
		fetch := func() int {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, signed.URL, nil)
			wantCode(t, err, "")
			answer, err := a.Client().Do(r)
			wantCode(t, err, "")
			return answer.StatusCode
		}
		if got := fetch(); got != http.StatusOK {
			t.Errorf("%s: %d", signed.URL, got)
		}
		time.Sleep(2 * time.Hour)
		if got := fetch(); got != http.StatusForbidden {
			t.Errorf("%s, when it has expired: %d", signed.URL, got)
		}
	})
}
