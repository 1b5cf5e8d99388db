package sandbox

import (
	"errors"
	"strings"
)

// useKey gives the ARN of the key that a name means to the caller in the bucket's
// Region, if the caller may use it so through S3.
//
// Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys". Which
// codes S3 has for what KMS refuses is assumed.
func (s *s3State) useKey(r *request, b *bucket, name, action string) (string, error) {
	key, err := s.aws.keys.use(keyUse{r.who, "s3"}, b.region, name, r.now, action)
	var problem keyProblem
	switch {
	case err == nil:
		return key, nil
	case !errors.As(err, &problem):
		return "", err
	case problem.why == "does not exist":
		return "", refuse("KMS.NotFoundException", "Key '%s' does not exist", name)
	case problem.why == "is "+keyDisabled:
		return "", refuse("KMS.DisabledException", "%s is disabled.", name)
	case strings.HasPrefix(problem.why, "is "):
		return "", refuse("KMS.KMSInvalidStateException", "%s is pending deletion.", name)
	}
	return "", forbid("AccessDenied", "User: %s is not authorized to perform: kms:%s on the resource associated with this ciphertext "+
		"because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
		r.who.arn, action)
}
