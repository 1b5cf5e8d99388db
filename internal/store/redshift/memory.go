package redshift

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// remembered is for how long the tags of a namespace's snapshot are taken to be
// those that were read. A claim does not change once it is written; what may is a
// person's hold, and the last look before deletes reads everything anew.
const remembered = time.Hour

// lookups is how many tags are looked up at a time.
const lookups = 4

// tagMemory spares a process that looks often a call for each snapshot: only the
// tags of new ones are read. No delete depends on it.
type tagMemory struct {
	mu    sync.Mutex
	known map[string]known // by ARN
}

type known struct {
	ref  dr.Ref
	tags dr.Tags
	at   time.Time
}

func newTagMemory() *tagMemory { return &tagMemory{known: map[string]known{}} }

// forget makes the next look read the tags anew of all to which which applies.
func (m *tagMemory) forget(which func(dr.Ref) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.known, func(_ string, k known) bool { return which(k.ref) })
}

// of gives the tags of snapshots by their ARN; those of what is gone are missing.
func (m *tagMemory) of(ctx context.Context, c client, snaps []dr.Snapshot) (map[string]dr.Tags, error) {
	now, out, missing := time.Now(), map[string]dr.Tags{}, map[string]dr.Ref{}
	m.mu.Lock()
	maps.DeleteFunc(m.known, func(_ string, k known) bool { return now.Sub(k.at) >= remembered })
	for _, s := range snaps {
		if k, ok := m.known[s.ARN]; ok {
			out[s.ARN] = k.tags
		} else {
			missing[s.ARN] = s.Ref
		}
	}
	m.mu.Unlock()
	read, err := c.readTags(ctx, slices.Collect(maps.Keys(missing)))
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for arn, tags := range read {
		out[arn], m.known[arn] = tags, known{missing[arn], tags, now}
	}
	return out, nil
}

// readTags looks up tags, one call for each ARN. What is not there any more is left
// out.
func (c client) readTags(ctx context.Context, arns []string) (map[string]dr.Tags, error) {
	var mu sync.Mutex
	out := map[string]dr.Tags{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for _, arn := range arns {
		g.Go(func() error {
			got, err := c.space.ListTagsForResource(ctx, &redshiftserverless.ListTagsForResourceInput{ResourceArn: aws.String(arn)})
			switch {
			case spaceGone(err):
				return nil
			case err != nil:
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			out[arn] = plainSpaceTags(got.Tags)
			return nil
		})
	}
	return out, g.Wait()
}
