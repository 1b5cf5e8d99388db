package elasticache

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/holdfast-dr/holdfast/internal/store"
)

// tokenForm is what AWS takes as an AUTH token (Amazon ElastiCache API Reference,
// CreateReplicationGroup, AuthToken).
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9!&#$^<>-]{16,128}$`)

// readToken reads an AUTH token from where a person said: env:NAME or file:PATH. No
// error holds any of it.
func readToken(from string) (string, error) {
	refuse := func(err error, remedy string) (string, error) {
		return "", &store.Error{Doing: "read the AUTH token", Fault: store.Invalid, Err: err, Remedy: remedy}
	}
	how, what, _ := strings.Cut(from, ":")
	var text string
	switch how {
	case "env":
		value, ok := os.LookupEnv(what)
		if !ok {
			return refuse(fmt.Errorf("the environment has no %s", what), "set it where holdfast runs, on this machine too")
		}
		text = value
	case "file":
		body, err := os.ReadFile(what)
		if err != nil {
			return refuse(err, "see that the file is there and can be read, on this machine too")
		}
		text = strings.TrimRight(string(body), "\r\n")
	default:
		return refuse(fmt.Errorf("%q says no source", how), "say --auth-token-from env:NAME or --auth-token-from file:PATH")
	}
	if !tokenForm.MatchString(text) {
		return refuse(fmt.Errorf("what %s holds cannot be an AUTH token", from), "AWS takes 16 to 128 letters, digits and any of ! & # $ ^ < > -")
	}
	return text, nil
}
