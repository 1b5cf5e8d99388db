package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// keysAtOnce bounds the look-ups at one site at a time.
const keysAtOnce = 8

// Keys looks at the keys of the given names at a site, one call for each. Keys
// change while a program runs, so none is remembered.
func (r *Reader) Keys(ctx context.Context, site dr.Site, names []string) map[dr.KeyRef]dr.Key {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	out := map[dr.KeyRef]dr.Key{}
	if len(names) == 0 {
		return out
	}
	client, err := r.kms(ctx, site)
	if err != nil {
		return out // The site itself is a gap.
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(keysAtOnce)
	for _, name := range names {
		g.Go(func() error {
			k := describe(ctx, client, name)
			mu.Lock()
			defer mu.Unlock()
			out[dr.KeyRef{Site: site, Name: name}] = k
			return nil
		})
	}
	_ = g.Wait() // What could not be looked at says so.
	return out
}

func describe(ctx context.Context, client *kms.Client, name string) dr.Key {
	out, err := client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(name)})
	var missing *types.NotFoundException
	switch {
	case errors.As(err, &missing):
		return dr.Key{Trouble: "does not exist"}
	case err != nil:
		return dr.Key{Unknown: brief(err)}
	case out.KeyMetadata == nil:
		return dr.Key{Unknown: "the answer is empty"}
	}
	m := out.KeyMetadata
	k := dr.Key{ARN: aws.ToString(m.Arn), Managed: m.KeyManager == types.KeyManagerTypeAws}
	switch m.KeyState {
	case types.KeyStateEnabled, types.KeyStateUpdating:
	case types.KeyStateDisabled:
		k.Trouble = "is disabled"
	case types.KeyStatePendingDeletion, types.KeyStatePendingReplicaDeletion:
		k.Trouble = "is scheduled for deletion"
		if m.DeletionDate != nil {
			k.Deletion = m.DeletionDate.UTC()
			k.Trouble += " on " + k.Deletion.Format("2006-01-02 15:04Z")
		}
	case types.KeyStateCreating, types.KeyStatePendingImport, types.KeyStateUnavailable:
		k.Trouble = "cannot be used now (" + string(m.KeyState) + ")"
	default:
		k.Trouble = "is in a state that holdfast does not know (" + string(m.KeyState) + ")"
	}
	if m.KeyUsage != "" && m.KeyUsage != types.KeyUsageTypeEncryptDecrypt || m.KeySpec != "" && m.KeySpec != types.KeySpecSymmetricDefault {
		k.Trouble = "is no symmetric key for encryption"
	}
	return k
}

// brief gives the code of an error that AWS gave, or its words.
func brief(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Sprintf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	return err.Error()
}
