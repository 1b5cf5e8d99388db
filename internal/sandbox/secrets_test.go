package sandbox_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// inKeys runs a test over a sandbox that has one key, which a role may not use.
func inKeys(t *testing.T, run func(t *testing.T, a *sandbox.AWS)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(sandbox.Options{})
		_, err := a.PutKey(prod, east, sandbox.SeedKey{Name: "alias/secrets"})
		wantCode(t, err, "")
		run(t, a)
	})
}

func TestSecretsManager(t *testing.T) {
	inKeys(t, func(t *testing.T, a *sandbox.AWS) {
		ctx, c := t.Context(), secretsmanager.NewFromConfig(config(a.Client(), prod, east))
		made, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{
			Name: aws.String("shop/db"), SecretString: aws.String(`{"username":"app","password":"one"}`), KmsKeyId: aws.String("alias/secrets"),
		})
		wantCode(t, err, "")
		if !strings.HasPrefix(*made.ARN, "arn:aws:secretsmanager:us-east-1:111111111111:secret:shop/db-") {
			t.Errorf("it is called %s", *made.ARN)
		}
		_, err = c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("shop/db"), SecretString: aws.String("x")})
		wantCode(t, err, "ResourceExistsException")
		_, err = c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("other"), KmsKeyId: aws.String("alias/none")})
		wantCode(t, err, "EncryptionFailure")
		put := func(value string, stages ...string) error {
			_, err := c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("shop/db"), SecretString: &value, VersionStages: stages})
			return err
		}
		get := func(id, stage string) (string, error) {
			in := &secretsmanager.GetSecretValueInput{SecretId: &id}
			if stage != "" {
				in.VersionStage = &stage
			}
			out, err := c.GetSecretValue(ctx, in)
			if err != nil {
				return "", err
			}
			return *out.SecretString, nil
		}
		wantCode(t, put("two"), "")
		wantCode(t, put("three", "AWSPENDING"), "")
		for _, tc := range []struct{ id, stage, want, code string }{
			{"shop/db", "", "two", ""},
			{*made.ARN, "AWSCURRENT", "two", ""},
			{"shop/db", "AWSPREVIOUS", `{"username":"app","password":"one"}`, ""},
			{"shop/db", "AWSPENDING", "three", ""},
			{"shop/db", "none", "", "ResourceNotFoundException"},
			{"shop/none", "", "", "ResourceNotFoundException"},
		} {
			got, err := get(tc.id, tc.stage)
			if wantCode(t, err, tc.code); got != tc.want {
				t.Errorf("%s %s: got %s, want %s", tc.id, tc.stage, got, tc.want)
			}
		}
		described, err := c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String("shop/db")})
		wantCode(t, err, "")
		if len(described.VersionIdsToStages) != 3 || described.KmsKeyId == nil {
			t.Errorf("%+v", described)
		}
		token := aws.String(strings.Repeat("a", 32))
		for i, want := range []string{"", "", "ResourceExistsException"} {
			value := map[bool]string{true: "four", false: "five"}[i < 2]
			_, err := c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("shop/db"), SecretString: &value, ClientRequestToken: token})
			wantCode(t, err, want)
		}
		wantCode(t, a.SetKeyEnabled(prod, east, "alias/secrets", false), "")
		_, err = get("shop/db", "")
		wantCode(t, err, "DecryptionFailure")
		wantCode(t, a.SetKeyEnabled(prod, east, "alias/secrets", true), "")
		a.SetDenied(prod, "kms:Decrypt")
		_, err = get("shop/db", "")
		wantCode(t, err, "AccessDeniedException")
		a.SetDenied(prod)
		_, err = c.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: aws.String("shop/db")})
		wantCode(t, err, "")
		_, err = get("shop/db", "")
		wantCode(t, err, "InvalidRequestException")
		_, err = c.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: aws.String("shop/db")})
		wantCode(t, err, "")
		_, err = get("shop/db", "")
		wantCode(t, err, "")
		_, err = c.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: aws.String("shop/db"), ForceDeleteWithoutRecovery: aws.Bool(true)})
		wantCode(t, err, "")
		time.Sleep(time.Minute)
		_, err = get("shop/db", "")
		wantCode(t, err, "ResourceNotFoundException")
	})
}

func TestSecretsManagerBinaryAndSeeds(t *testing.T) {
	inKeys(t, func(t *testing.T, a *sandbox.AWS) {
		ctx, c := t.Context(), secretsmanager.NewFromConfig(config(a.Client(), prod, east))
		_, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("bytes"), SecretBinary: []byte{0, 1, 2}})
		wantCode(t, err, "")
		out, err := c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("bytes")})
		wantCode(t, err, "")
		if string(out.SecretBinary) != "\x00\x01\x02" || out.SecretString != nil {
			t.Errorf("%v, %v", out.SecretBinary, out.SecretString)
		}
		arn, err := a.PutSecret(prod, east, "seeded", sandbox.SeedSecret{Value: "v"})
		wantCode(t, err, "")
		got, err := c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
		wantCode(t, err, "")
		if *got.SecretString != "v" {
			t.Errorf("got %s", *got.SecretString)
		}
		if _, err := a.PutSecret(prod, east, "seeded", sandbox.SeedSecret{}); err == nil {
			t.Error("it was put in twice")
		}
		theirs := secretsmanager.NewFromConfig(config(a.Client(), recovery, east))
		_, err = theirs.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("seeded")})
		wantCode(t, err, "ResourceNotFoundException")
	})
}

func TestParameterStore(t *testing.T) {
	inKeys(t, func(t *testing.T, a *sandbox.AWS) {
		ctx, c := t.Context(), ssm.NewFromConfig(config(a.Client(), prod, east))
		put := func(name, value string, kind ssmtypes.ParameterType, change func(*ssm.PutParameterInput)) error {
			in := &ssm.PutParameterInput{Name: &name, Value: &value, Type: kind}
			if change != nil {
				change(in)
			}
			_, err := c.PutParameter(ctx, in)
			return err
		}
		overwrite := func(in *ssm.PutParameterInput) { in.Overwrite = aws.Bool(true) }
		get := func(name string, decrypt bool) (string, error) {
			out, err := c.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: &decrypt})
			if err != nil {
				return "", err
			}
			return *out.Parameter.Value, nil
		}
		wantCode(t, put("/shop/db/user", "app", ssmtypes.ParameterTypeString, nil), "")
		wantCode(t, put("/shop/db/user", "app2", ssmtypes.ParameterTypeString, nil), "ParameterAlreadyExists")
		wantCode(t, put("/shop/db/user", "app2", "", overwrite), "")
		wantCode(t, put("/shop/db/user", "app2", ssmtypes.ParameterTypeSecureString, overwrite), "HierarchyTypeMismatchException")
		wantCode(t, put("shop/db", "x", ssmtypes.ParameterTypeString, nil), "ValidationException")
		wantCode(t, put("/aws/x", "x", ssmtypes.ParameterTypeString, nil), "AccessDeniedException")
		wantCode(t, put("/new", "x", "", nil), "ValidationException")
		wantCode(t, put("/large", strings.Repeat("x", 4097), ssmtypes.ParameterTypeString, nil), "ValidationException")
		wantCode(t, put("/shop/db/password", "secret", ssmtypes.ParameterTypeSecureString, func(in *ssm.PutParameterInput) { in.KeyId = aws.String("alias/none") }), "InvalidKeyId")
		wantCode(t, put("/shop/db/password", "secret", ssmtypes.ParameterTypeSecureString, func(in *ssm.PutParameterInput) { in.KeyId = aws.String("alias/secrets") }), "")
		for _, tc := range []struct {
			name    string
			decrypt bool
			want    string
			code    string
		}{
			{"/shop/db/user", false, "app2", ""},
			{"/shop/db/user:1", true, "app", ""},
			{"/shop/db/user:3", true, "", "ParameterVersionNotFound"},
			{"/shop/db/password", true, "secret", ""},
			{"arn:aws:ssm:us-east-1:111111111111:parameter/shop/db/password", true, "secret", ""},
			{"/none", true, "", "ParameterNotFound"},
		} {
			got, err := get(tc.name, tc.decrypt)
			if wantCode(t, err, tc.code); got != tc.want {
				t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
			}
		}
		if got, _ := get("/shop/db/password", false); got == "secret" || got == "" {
			t.Errorf("without decryption it is %q", got)
		}
		many, err := c.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{"/shop/db/user", "/none"}})
		wantCode(t, err, "")
		if len(many.Parameters) != 1 || many.Parameters[0].Version != 2 || len(many.InvalidParameters) != 1 {
			t.Errorf("%+v", many)
		}
		a.SetDenied(prod, "kms:Decrypt")
		_, err = get("/shop/db/password", true)
		wantCode(t, err, "AccessDeniedException")
		a.SetDenied(prod)
		wantCode(t, a.SetKeyEnabled(prod, east, "alias/secrets", false), "")
		_, err = get("/shop/db/password", true)
		wantCode(t, err, "InvalidKeyId")
		_, err = c.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String("/shop/db/user")})
		wantCode(t, err, "")
		_, err = c.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String("/shop/db/user")})
		wantCode(t, err, "ParameterNotFound")
		gone, err := c.DeleteParameters(ctx, &ssm.DeleteParametersInput{Names: []string{"/shop/db/user", "/shop/db/password"}})
		wantCode(t, err, "")
		if len(gone.DeletedParameters) != 1 || len(gone.InvalidParameters) != 1 {
			t.Errorf("%+v", gone)
		}
		_, err = c.DescribeParameters(ctx, nil)
		wantCode(t, err, "NotImplemented")
	})
}

func TestZonesSecretsAndParametersOfASeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(sandbox.Options{})
		mustSeed(t, a, `
accounts:
  "111111111111":
    zones:
      shop.example: {id: ZSHOP, records: [{name: db.shop.example, values: [x.example]}]}
    regions:
      us-east-1:
        secrets: {shop/db: {value: one, key: alias/shop}}
        parameters: {/shop/db: {type: SecureString, value: two}}
        redshift-groups: {parameter-groups: [wlm], subnet-groups: [private], snapshot-schedules: [hourly]}
        redshift-clusters: {dwh: {tables: [orders]}}
`)
		if got := a.DNSAnswer(prod, "ZSHOP", "db.shop.example", "CNAME"); len(got) != 1 {
			t.Errorf("the answer is %v", got)
		}
		out, err := secretsmanager.NewFromConfig(config(a.Client(), prod, east)).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("shop/db")})
		wantCode(t, err, "")
		got, err := ssm.NewFromConfig(config(a.Client(), prod, east)).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/shop/db"), WithDecryption: aws.Bool(true)})
		wantCode(t, err, "")
		if *out.SecretString != "one" || *got.Parameter.Value != "two" {
			t.Errorf("%s, %s", *out.SecretString, *got.Parameter.Value)
		}
	})
	for _, bad := range []string{"zones: {x.example: {records: [{name: y.example, values: [a]}]}}", "zones: {x.example: {records: [{name: a.x.example, type: A, values: [a]}]}}"} {
		_, err := sandbox.ParseSeed("s.yaml", []byte("accounts:\n  \"111111111111\":\n    "+bad+"\n"))
		if err == nil || !strings.Contains(err.Error(), "zones.x.example") {
			t.Errorf("got %v", err)
		}
	}
}
