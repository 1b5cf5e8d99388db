package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/policy"
)

// login is who asks. It is never printed as a whole.
type login struct{ user, password string }

// String hides the password.
func (l login) String() string { return l.user }

// GoString hides it too.
func (l login) GoString() string { return l.user }

// login finds out who asks: what the check says goes before what a secret says, and
// that before the captured master user.
func (r *Runner) login(ctx context.Context, c policy.Check, t Target) (login, error) {
	if c.Kind == policy.CheckTCP {
		return login{}, nil
	}
	found, err := r.password(ctx, t.Site, c.Password)
	if err != nil {
		return login{}, err
	}
	switch {
	case c.User != "":
		found.user = c.User
	case found.user == "" && c.Kind == policy.CheckSQL:
		found.user = t.Settings["user"]
	}
	return found, nil
}

func (r *Runner) password(ctx context.Context, site dr.Site, p policy.Password) (login, error) {
	switch p.From {
	case policy.FromEnv:
		v, ok := r.Getenv(p.Name)
		if !ok || v == "" {
			return login{}, fmt.Errorf("environment variable %s is not set: set it to the password where holdfast runs", p.Name)
		}
		return login{password: v}, nil
	case policy.FromFile:
		v, err := readPassword(p.Name)
		return login{password: v}, err
	case policy.FromSecret:
		v, err := r.Secrets.Secret(ctx, site, p.Name)
		if err != nil {
			return login{}, fmt.Errorf("read %s at %s: %w", p, site.Name, err)
		}
		return fromSecret(v, p)
	case policy.FromParameter:
		v, err := r.Secrets.Parameter(ctx, site, p.Name)
		if err != nil {
			return login{}, fmt.Errorf("read %s at %s: %w", p, site.Name, err)
		}
		return login{password: v}, nil
	default:
		return login{}, nil
	}
}

// maxPassword is more than any password is long, and little enough for a file that was
// named by mistake.
const maxPassword = 64 << 10

// readPassword reads a file that holds a password, and a line break perhaps.
func readPassword(name string) (string, error) {
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
func fromSecret(text string, p policy.Password) (login, error) {
	var fields map[string]any
	isObject := json.Unmarshal([]byte(text), &fields) == nil && fields != nil
	if !isObject {
		if p.Key != "" {
			return login{}, fmt.Errorf("%s is no JSON object, so it has no key %s", p, p.Key)
		}
		return login{password: text}, nil
	}
	key := p.Key
	if key == "" {
		key = "password"
	}
	password, ok := fields[key].(string)
	if !ok {
		return login{}, fmt.Errorf("%s has no text under the key %s; there is %s", p, key, strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
	}
	user, _ := fields["username"].(string)
	return login{user, password}, nil
}

var errNoUser = errors.New("nobody says as which user: add user to the check")
