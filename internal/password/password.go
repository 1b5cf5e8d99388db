// Package password finds the passwords of which a policy file says where they are.
package password

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// Secrets reads what a site keeps secret.
type Secrets interface {
	// Secret gives the text of a secret of Secrets Manager, by its name or ARN.
	Secret(ctx context.Context, site dr.Site, id string) (string, error)
	// Parameter gives the value of a parameter of Parameter Store, decrypted.
	Parameter(ctx context.Context, site dr.Site, name string) (string, error)
}

// Login is who asks. It is never printed as a whole.
type Login struct{ User, Password string }

// String hides the password.
func (l Login) String() string { return l.User }

// GoString hides it too.
func (l Login) GoString() string { return l.User }

// Reader reads passwords.
type Reader struct {
	Secrets Secrets
	// Getenv looks up what is in the environment.
	Getenv func(string) (string, bool)
}

// Read gives what is found at a place: the password, and the user where a secret tells
// one. Nowhere, there is neither.
func (r Reader) Read(ctx context.Context, site dr.Site, p policy.Password) (Login, error) {
	switch p.From {
	case policy.FromEnv:
		v, ok := r.Getenv(p.Name)
		if !ok || v == "" {
			return Login{}, fmt.Errorf("environment variable %s is not set: set it to the password where holdfast runs", p.Name)
		}
		return Login{Password: v}, nil
	case policy.FromFile:
		v, err := readFile(p.Name)
		return Login{Password: v}, err
	case policy.FromSecret:
		v, err := r.Secrets.Secret(ctx, site, p.Name)
		if err != nil {
			return Login{}, fmt.Errorf("read %s at %s: %w", p, site.Name, err)
		}
		return fromSecret(v, p)
	case policy.FromParameter:
		v, err := r.Secrets.Parameter(ctx, site, p.Name)
		if err != nil {
			return Login{}, fmt.Errorf("read %s at %s: %w", p, site.Name, err)
		}
		return Login{Password: v}, nil
	default:
		return Login{}, nil
	}
}

// maxPassword is more than any password is long, and little enough for a file that was
// named by mistake.
const maxPassword = 64 << 10

// readFile reads a file that holds a password, and a line break perhaps.
func readFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read the password: %w", err)
	case len(data) > maxPassword:
		return "", fmt.Errorf("read the password: file %s is too long for one", name)
	}
	text, _ := strings.CutSuffix(string(data), "\n")
	text, _ = strings.CutSuffix(text, "\r")
	if text == "" {
		return "", fmt.Errorf("read the password: file %s is empty", name)
	}
	return text, nil
}

// fromSecret takes user and password out of a secret. Those that AWS makes for
// databases are JSON objects with username and password (AWS Secrets Manager User
// Guide, "JSON structure of AWS Secrets Manager database credential secrets").
func fromSecret(text string, p policy.Password) (Login, error) {
	var fields map[string]any
	isObject := json.Unmarshal([]byte(text), &fields) == nil && fields != nil
	if !isObject {
		if p.Key != "" {
			return Login{}, fmt.Errorf("%s is no JSON object, so it has no key %s", p, p.Key)
		}
		return Login{Password: text}, nil
	}
	key := p.Key
	if key == "" {
		key = "password"
	}
	password, ok := fields[key].(string)
	if !ok {
		return Login{}, fmt.Errorf("%s has no text under the key %s; there is %s", p, key, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
	}
	user, _ := fields["username"].(string)
	return Login{user, password}, nil
}
