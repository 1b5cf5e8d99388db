package rdsapi

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/holdfast-dr/holdfast/internal/dr"
)

// Wanted are the settings that something restored is to have, in the words in which
// they were captured.
type Wanted map[string]string

// ParseWanted reads them from the argument of a step.
func ParseWanted(text string) (Wanted, error) {
	m, err := dr.Config(text).Settings()
	return m, err
}

// Yes gives a flag.
func (m Wanted) Yes(key string) *bool { return aws.Bool(m[key] == "yes") }

// Word gives a text, nil where there is none.
func (m Wanted) Word(key string) *string {
	if m[key] == "" {
		return nil
	}
	return aws.String(m[key])
}

// Whole gives a whole number, nil where there is none.
func (m Wanted) Whole(key string) *int32 {
	n, err := strconv.ParseInt(m[key], 10, 32)
	if err != nil {
		return nil
	}
	return aws.Int32(int32(n))
}

// List gives the parts of a list.
func (m Wanted) List(key string) []string {
	if m[key] == "" {
		return nil
	}
	return strings.Split(m[key], ",")
}
