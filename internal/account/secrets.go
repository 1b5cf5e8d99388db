package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Secret gives the text of a secret of Secrets Manager at a site, by its name or ARN.
func (r *Reader) Secret(ctx context.Context, site dr.Site, id string) (string, error) {
	cfg, err := r.sessions.Config(ctx, site)
	if err != nil {
		return "", err
	}
	out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(id)})
	switch {
	case err != nil:
		return "", fmt.Errorf("secretsmanager:GetSecretValue: %s", brief(err))
	case out.SecretString == nil:
		return "", errors.New("it holds no text")
	}
	return *out.SecretString, nil
}

// Parameter gives the value of a parameter of Parameter Store at a site, decrypted.
func (r *Reader) Parameter(ctx context.Context, site dr.Site, name string) (string, error) {
	cfg, err := r.sessions.Config(ctx, site)
	if err != nil {
		return "", err
	}
	out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(name), WithDecryption: aws.Bool(true)})
	switch {
	case err != nil:
		return "", fmt.Errorf("ssm:GetParameter: %s", brief(err))
	case out.Parameter == nil || aws.ToString(out.Parameter.Value) == "":
		return "", errors.New("it has no value")
	}
	return *out.Parameter.Value, nil
}
