package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Look asks whether the caller may look at a key; nil when he may.
func (r *Reader) Look(ctx context.Context, site dr.Site, key string) error {
	client, err := r.kms(ctx, site)
	if err != nil {
		return err
	}
	_, err = client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(key)})
	if err != nil {
		return fmt.Errorf("look at key %s at %s: %w", key, site, err)
	}
	return nil
}

// MayEncrypt tries, without doing it, whether the caller may encrypt under a key by
// himself; nil when he may. A key policy that allows it only by way of a service
// (kms:ViaService) answers no here, and yes to the service.
func (r *Reader) MayEncrypt(ctx context.Context, site dr.Site, key string) error {
	client, err := r.kms(ctx, site)
	if err != nil {
		return err
	}
	_, err = client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: aws.String(key), KeySpec: types.DataKeySpecAes256, DryRun: aws.Bool(true),
	})
	var would *types.DryRunOperationException // "The request would have succeeded".
	if err == nil || errors.As(err, &would) {
		return nil
	}
	return fmt.Errorf("try key %s at %s: %w", key, site, err)
}

func (r *Reader) kms(ctx context.Context, site dr.Site) (*kms.Client, error) {
	cfg, err := r.sessions.Config(ctx, site)
	if err != nil {
		return nil, err
	}
	return kms.NewFromConfig(cfg), nil
}
