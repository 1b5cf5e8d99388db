package elasticache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/store"
)

// exportNeeds are what ElastiCache must be allowed with a bucket that it exports to
// (Amazon ElastiCache User Guide, "Exporting a backup", step 2).
func exportNeeds() []string {
	return []string{
		"s3:PutObject", "s3:GetObject", "s3:ListBucket", "s3:GetBucketAcl", "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads",
	}
}

// service is ElastiCache of the bucket's Region, as policies name it.
func (b *bucket) service() string { return b.site.Region + ".elasticache-snapshot.amazonaws.com" }

// statement is what a bucket's policy has to say for exports.
func (b *bucket) statement() string {
	return b.allow(map[string]string{"Service": b.service()}, exportNeeds()...)
}

// readable is what a bucket's policy has to say for another site to copy from it.
func (b *bucket) readable(by dr.Site) string {
	return b.allow(map[string]string{"AWS": "arn:" + by.Partition() + ":iam::" + by.Account + ":root"}, "s3:GetObject", "s3:ListBucket")
}

func (b *bucket) allow(who map[string]string, actions ...string) string {
	text, err := json.Marshal(struct {
		Effect    string
		Principal map[string]string
		Action    []string
		Resource  []string
	}{"Allow", who, actions, []string{strings.TrimSuffix(b.arn(""), "/"), b.arn("*")}})
	if err != nil { // Texts always become JSON.
		return err.Error()
	}
	return string(text)
}

// several reads what stands in a policy as one text or as a list of them.
type several []string

// UnmarshalJSON reads either form.
func (l *several) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = several{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

func (l several) match(what string) bool {
	return slices.ContainsFunc(l, func(pattern string) bool {
		// In patterns of policies a star stands for slashes too.
		ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(what, "/", "\x00"))
		return ok && err == nil
	})
}

// principals are whom a statement is about.
type principals struct{ Service several }

// UnmarshalJSON reads the services; a star means everybody.
func (p *principals) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		p.Service = several{one}
		return nil
	}
	type plain principals
	return json.Unmarshal(text, (*plain)(p))
}

type statement struct {
	Effect           string
	Principal        principals
	Action, Resource several
}

// exports looks whether ElastiCache may use the bucket: by its policy, or by its access
// control list as AWS describes it for the Regions that need not be enabled. Conditions
// are not looked at.
func (b *bucket) exports(ctx context.Context) error {
	missing, err := b.lacks(ctx, exportNeeds())
	if err != nil || len(missing) == 0 {
		return err
	}
	if listed, err := b.listed(ctx); err == nil && listed {
		return nil
	}
	return &store.Error{
		Doing: "see whether ElastiCache may write to bucket " + b.name, Fault: store.Denied,
		Err:    fmt.Errorf("its policy does not allow %s to %s", strings.Join(missing, ", "), b.service()),
		Remedy: "add to the policy of bucket " + b.name + ": " + b.statement(),
	}
}

// lacks gives what the bucket's policy does not allow of some actions.
func (b *bucket) lacks(ctx context.Context, needs []string) ([]string, error) {
	out, err := b.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &b.name, ExpectedBucketOwner: b.owner()})
	if hasCode(err, "NoSuchBucketPolicy") {
		return needs, nil
	}
	if err != nil {
		return nil, b.trouble("read the policy of", err)
	}
	var p struct{ Statement []statement }
	if err := json.Unmarshal([]byte(aws.ToString(out.Policy)), &p); err != nil {
		return nil, fmt.Errorf("read the policy of bucket %s: %w", b.name, err)
	}
	return slices.DeleteFunc(needs, func(action string) bool {
		on := strings.TrimSuffix(b.arn(""), "/")
		if strings.HasSuffix(action, "Object") || strings.HasSuffix(action, "Parts") {
			on = b.arn("hf-permission-probe-0001.rdb")
		}
		return slices.ContainsFunc(p.Statement, func(s statement) bool {
			return s.Effect == "Allow" && s.Principal.Service.match(b.service()) && s.Action.match(action) && s.Resource.match(on)
		})
	}), nil
}

// canonical is ElastiCache in access control lists (Amazon ElastiCache User Guide,
// "Exporting a backup", step 2).
const canonical = "540804c33a284a299d2547575ce1010f2312ef3da9b3a053c8bc45bf233e4353"

func (b *bucket) listed(ctx context.Context) (bool, error) {
	out, err := b.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: &b.name, ExpectedBucketOwner: b.owner()})
	if err != nil {
		return false, b.trouble("read the access control list of", err)
	}
	granted := map[types.Permission]bool{}
	for _, g := range out.Grants {
		if g.Grantee != nil && aws.ToString(g.Grantee.ID) == canonical {
			granted[g.Permission] = true
		}
	}
	return granted[types.PermissionRead] && granted[types.PermissionWrite] && granted[types.PermissionReadAcp], nil
}

// bucketGrants tries what copies need of the site's bucket, and of those that it copies
// from.
func (v *visit) bucketGrants(ctx context.Context) []store.Grant {
	b, ok := v.bucketAt(v.site)
	if !ok {
		return nil
	}
	none := errors.New("nothing was tried")
	out := []store.Grant{
		{Permission: "s3:ListBucket", Needed: "to find copies in bucket " + b.name, Err: none},
		{Permission: "s3:PutObject", Needed: "to write copies to bucket " + b.name, Err: none},
		{Permission: "s3:ListBucketMultipartUploads", Needed: "to go on with copies that were cut short", Err: none},
		{Permission: "s3:AbortMultipartUpload", Needed: "to give up copies that were cut short", Err: none},
	}
	_, out[0].Err = b.list(ctx, root+"permission-probe")
	out[1].Err = b.trouble("write to", b.tryWrite(ctx))
	_, out[2].Err = b.uploads(ctx, root+"permission-probe")
	out[3].Err = b.trouble("abort an upload to", b.tryAbort(ctx))
	if !slices.Contains(v.files.To, v.site.Name) || v.exportsToo() {
		out = append(out, v.exportGrants(ctx, b)...)
	}
	if slices.Contains(v.files.To, v.site.Name) {
		out = append(out, v.sourceGrants(ctx)...)
	}
	for i := range out {
		out[i].Copies = true
	}
	return out
}

// exportsToo reports whether a site that copies go to may also be one that they come
// from: where every site is.
func (v *visit) exportsToo() bool {
	for _, s := range v.files.Sites {
		if s.Bucket != "" && !slices.Contains(v.files.To, s.Name) {
			return false
		}
	}
	return true
}

// exportGrants tries what exports need.
func (v *visit) exportGrants(ctx context.Context, b *bucket) []store.Grant {
	var out []store.Grant
	for _, t := range v.exportTries(ctx, b) {
		err := t.try()
		if classify(err) == store.NotFound && !hasCode(err, "NoSuchBucket") {
			err = nil
		}
		out = append(out, store.Grant{Permission: t.permission, Needed: t.needed, Err: err})
	}
	return out
}

// sourceGrants tries whether the buckets of the sites that are copied from can be read.
func (v *visit) sourceGrants(ctx context.Context) []store.Grant {
	var out []store.Grant
	for _, s := range v.files.Sites {
		if s.Bucket == "" || s.Name == v.site.Name || slices.Contains(v.files.To, s.Name) {
			continue
		}
		from, ok := v.bucketAt(s.Site)
		if !ok {
			continue
		}
		_, err := from.list(ctx, root+"permission-probe")
		if err != nil {
			err = from.unread(v.site, err)
		}
		out = append(out, store.Grant{Permission: "s3:ListBucket", Needed: "to copy from bucket " + from.name + " of site " + s.Name, Err: err})
	}
	return out
}

// tryWrite tries s3:PutObject by completing an upload that does not exist.
func (b *bucket) tryWrite(ctx context.Context) error {
	_, err := b.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &b.name, Key: aws.String(root + "permission-probe"), UploadId: aws.String(probe), ExpectedBucketOwner: b.owner(),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: aws.String("none")}}},
	})
	return unlessNoUpload(err)
}

func (b *bucket) tryAbort(ctx context.Context) error {
	_, err := b.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &b.name, Key: aws.String(root + "permission-probe"), UploadId: aws.String(probe), ExpectedBucketOwner: b.owner(),
	})
	return unlessNoUpload(err)
}

func unlessNoUpload(err error) error {
	if hasCode(err, "NoSuchUpload") {
		return nil
	}
	return err
}
