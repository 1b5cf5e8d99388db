package check

import (
	"context"
	"errors"

	"github.com/holdfast-dr/holdfast/internal/dr"
	"github.com/holdfast-dr/holdfast/internal/password"
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
	found, err := password.Reader{Secrets: r.Secrets, Getenv: r.Getenv}.Read(ctx, site, p)
	return login{found.User, found.Password}, err
}

var errNoUser = errors.New("nobody says as which user: add user to the check")
