package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Check is one thing that a restored store has to show before it may take the place
// of another. It is comparable; passwords are not in it, only where they are found.
type Check struct {
	Kind CheckKind `json:"kind"`
	// SQL is the query of a CheckSQL.
	SQL string `json:"sql,omitempty"`
	// Expect is what the query is to give; or it gives a number of at least AtLeast and
	// at most AtMost. All are texts, as numbers can be longer than a float holds.
	Expect  string `json:"expect,omitempty"`
	AtLeast string `json:"at_least,omitempty"`
	AtMost  string `json:"at_most,omitempty"`
	// Database is the one to ask; empty: see package check. Of a CheckKeys it is a
	// number.
	Database string `json:"database,omitempty"`
	// Keys is how many keys a CheckKeys wants to find at least.
	Keys int64 `json:"keys,omitempty"`
	// Port is that of a CheckTCP; 0: the one of the endpoint.
	Port int `json:"port,omitempty"`

	// User and Password are for logging in; empty: see package check.
	User     string   `json:"user,omitempty"`
	Password Password `json:"password,omitzero"`
	// TLS is empty where the file does not say; CA is a file of certificates.
	TLS TLS    `json:"tls,omitempty"`
	CA  string `json:"ca,omitempty"`
	// Within is how long may pass until the store has passed, waiting for it to answer
	// included.
	Within time.Duration `json:"within"`
	Pos    Pos           `json:"-"`
}

// CheckKind says what is asked.
type CheckKind string

// What can be asked: a query of a database, how many keys a cache has, or only
// whether anybody answers.
const (
	CheckSQL  CheckKind = "sql"
	CheckKeys CheckKind = "keys"
	CheckTCP  CheckKind = "tcp"
)

// TLS says how a connection is protected.
type TLS string

// How it can be: with a certificate that is verified, with any certificate, or not.
const (
	TLSVerify  TLS = "verify"
	TLSRequire TLS = "require"
	TLSOff     TLS = "off"
)

// DefaultWithin is how long a check may take that does not say.
const DefaultWithin = 15 * time.Minute

// Password says where a password is found; the zero value is nowhere.
type Password struct {
	From PasswordFrom `json:"from,omitempty"`
	// Name is that of the environment variable, file, secret or parameter.
	Name string `json:"name,omitempty"`
	// Key is the one in a secret that is a JSON object; empty: the whole secret, or
	// what AWS itself writes into the secrets of databases.
	Key string `json:"key,omitempty"`
}

// PasswordFrom is a sort of place where passwords are found.
type PasswordFrom string

// Where passwords are found: in the environment of holdfast, in a file, in Secrets
// Manager or in Parameter Store at the site.
const (
	FromEnv       PasswordFrom = "env"
	FromFile      PasswordFrom = "file"
	FromSecret    PasswordFrom = "secret"
	FromParameter PasswordFrom = "parameter"
)

// String names the place.
func (p Password) String() string {
	switch p.From {
	case FromEnv:
		return "environment variable " + p.Name
	case FromFile:
		return "file " + p.Name
	case FromSecret:
		return "secret " + p.Name
	case FromParameter:
		return "parameter " + p.Name
	default:
		return "no password"
	}
}

// String says what is asked and what is wanted, on one line.
func (c Check) String() string {
	switch c.Kind {
	case CheckSQL:
		return clip(strings.Join(strings.Fields(c.SQL), " ")) + ": " + c.Wanted()
	case CheckKeys:
		return "keys of database " + orZero(c.Database) + ": " + c.Wanted()
	default:
		if c.Port != 0 {
			return "port " + strconv.Itoa(c.Port) + " answers"
		}
		return "its port answers"
	}
}

// Wanted says what a check wants to find.
func (c Check) Wanted() string {
	switch {
	case c.Kind == CheckKeys:
		return "at least " + strconv.FormatInt(c.Keys, 10)
	case c.Expect != "":
		return strconv.Quote(clip(c.Expect))
	case c.AtLeast != "" && c.AtMost != "":
		return "from " + c.AtLeast + " to " + c.AtMost
	case c.AtMost != "":
		return "at most " + c.AtMost
	case c.AtLeast != "":
		return "at least " + c.AtLeast
	default:
		return "an answer"
	}
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

// Digest identifies checks: others have another. It is empty where there are none.
func Digest(checks []Check) string {
	if len(checks) == 0 {
		return ""
	}
	text, _ := json.Marshal(checks) // Texts and numbers always marshal.
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
