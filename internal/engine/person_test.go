package engine_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// person is somebody at the AWS console: no fault of a test strikes her.
type person struct {
	testing.TB
	account string
	rds     *rds.Client
}

func (w *world) person(account string) *person {
	return &person{w.TB, account, rds.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: aws.String("http://sandbox.invalid"), HTTPClient: w.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(account, "none", ""),
	})}
}

// Context outlives what the test cancels.
func (p *person) Context() context.Context { return context.Background() }

func (p *person) check(err error) {
	p.Helper()
	if err != nil {
		p.Errorf("a person at the console: %v", err)
	}
}

func (p *person) arn(snapshot string) *string {
	return aws.String("arn:aws:rds:" + region + ":" + p.account + ":snapshot:" + snapshot)
}

func (p *person) tag(snapshot, key, value string) {
	p.Helper()
	_, err := p.rds.AddTagsToResource(p.Context(), &rds.AddTagsToResourceInput{
		ResourceName: p.arn(snapshot), Tags: []types.Tag{{Key: &key, Value: &value}},
	})
	p.check(err)
}

func (p *person) untag(snapshot string, keys ...string) {
	p.Helper()
	_, err := p.rds.RemoveTagsFromResource(p.Context(), &rds.RemoveTagsFromResourceInput{
		ResourceName: p.arn(snapshot), TagKeys: keys,
	})
	p.check(err)
}

func (p *person) delete(snapshot string) {
	p.Helper()
	_, err := p.rds.DeleteDBSnapshot(p.Context(), &rds.DeleteDBSnapshotInput{DBSnapshotIdentifier: &snapshot})
	p.check(err)
}

// statuses gives the status of each manual snapshot of the account.
func (p *person) statuses() map[string]string {
	p.Helper()
	out := map[string]string{}
	pages := rds.NewDescribeDBSnapshotsPaginator(p.rds, &rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("manual")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(p.Context())
		if err != nil {
			p.Fatalf("a person at the console: %v", err)
		}
		for _, s := range page.DBSnapshots {
			out[*s.DBSnapshotIdentifier] = *s.Status
		}
	}
	return out
}

// good counts the available snapshots of the account.
func (p *person) good() int {
	p.Helper()
	n := 0
	for _, status := range p.statuses() {
		if status == "available" {
			n++
		}
	}
	return n
}

// calls counts the calls that reached AWS since the log was emptied, by action.
func (w *world) calls() map[string]int {
	n := map[string]int{}
	for _, c := range w.Calls() {
		n[c.Action]++
	}
	return n
}

// changing counts the calls among them that change something.
func (w *world) changing() int {
	n := w.calls()
	return n["CreateDBSnapshot"] + n["DeleteDBSnapshot"] + n["AddTagsToResource"] + n["RemoveTagsFromResource"]
}

// fault makes calls of one process fail.
func (w *world) fault(p *process, action string, f sandbox.Fault) (remove func()) {
	f.Client, f.Action = p.client, action
	return w.Inject(f)
}
