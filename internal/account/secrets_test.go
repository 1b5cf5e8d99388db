package account_test

import (
	"strings"
	"testing"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// Passwords of databases are read where they are kept; what may not be read says so.
func TestSecrets(t *testing.T) {
	aws := sandbox.New(sandbox.Options{})
	_, err := aws.PutSecret(prod, region, "shop/db", sandbox.SeedSecret{Value: `{"password":"word"}`})
	must(t, err)
	must(t, aws.PutParameter(prod, region, "/shop/db", sandbox.SeedParameter{Value: "word", Type: "SecureString"}))
	r := reader(aws)
	if got, err := r.Secret(t.Context(), home, "shop/db"); err != nil || got != `{"password":"word"}` {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := r.Parameter(t.Context(), home, "/shop/db"); err != nil || got != "word" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := r.Secret(t.Context(), home, "none"); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("a secret that is not there: %v", err)
	}
	if _, err := r.Parameter(t.Context(), home, "/none"); err == nil || !strings.Contains(err.Error(), "ParameterNotFound") {
		t.Errorf("a parameter that is not there: %v", err)
	}
	aws.SetDenied(prod, "secretsmanager:*", "ssm:*")
	if _, err := r.Secret(t.Context(), home, "shop/db"); err == nil || !strings.Contains(err.Error(), "GetSecretValue") {
		t.Errorf("a secret that may not be read: %v", err)
	}
	if _, err := r.Parameter(t.Context(), home, "/shop/db"); err == nil || !strings.Contains(err.Error(), "GetParameter") {
		t.Errorf("a parameter that may not be read: %v", err)
	}
}
