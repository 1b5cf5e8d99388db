package sandbox_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

func kmsAt(a *sandbox.AWS, account, region string) *kms.Client {
	return kms.NewFromConfig(config(a.Client(), account, region))
}

// asRole gives a client of KMS for a session of a role.
func asRole(t *testing.T, a *sandbox.AWS, account, region, role string) *kms.Client {
	t.Helper()
	got, err := stsAt(a, account, region).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/" + role), RoleSessionName: aws.String("test"),
	})
	wantCode(t, err, "")
	c := config(a.Client(), account, region)
	c.Credentials = keys(*got.Credentials.AccessKeyId, *got.Credentials.SecretAccessKey, *got.Credentials.SessionToken)
	return kms.NewFromConfig(c)
}

func inKMS(t *testing.T, run func(t *testing.T, a *sandbox.AWS, c *kms.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := sandbox.New(sandbox.Options{})
		run(t, a, kmsAt(a, prod, east))
	})
}

func newKey(t *testing.T, c *kms.Client, in kms.CreateKeyInput) *string {
	t.Helper()
	made, err := c.CreateKey(t.Context(), &in)
	wantCode(t, err, "")
	return made.KeyMetadata.Arn
}

func stateOf(t *testing.T, c *kms.Client, key *string) types.KeyState {
	t.Helper()
	out, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key})
	wantCode(t, err, "")
	if out.KeyMetadata.Enabled != (out.KeyMetadata.KeyState == types.KeyStateEnabled) {
		t.Errorf("%s, and enabled is %v", out.KeyMetadata.KeyState, out.KeyMetadata.Enabled)
	}
	return out.KeyMetadata.KeyState
}

func TestKMSLifeOfAKey(t *testing.T) {
	inKMS(t, func(t *testing.T, _ *sandbox.AWS, c *kms.Client) {
		ctx := t.Context()
		made, err := c.CreateKey(ctx, &kms.CreateKeyInput{
			Description: aws.String("for copies"), Tags: []types.Tag{{TagKey: aws.String("team"), TagValue: aws.String("shop")}},
		})
		wantCode(t, err, "")
		key := made.KeyMetadata.KeyId
		if m := made.KeyMetadata; !strings.HasPrefix(*m.Arn, "arn:aws:kms:us-east-1:111111111111:key/") || m.KeyManager != types.KeyManagerTypeCustomer ||
			!m.CreationDate.Equal(time.Now()) || *m.Description != "for copies" || *m.AWSAccountId != prod {
			t.Errorf("%+v", m)
		}
		_, err = c.TagResource(ctx, &kms.TagResourceInput{KeyId: key, Tags: []types.Tag{{TagKey: aws.String("env"), TagValue: aws.String("prod")}}})
		wantCode(t, err, "")
		_, err = c.TagResource(ctx, &kms.TagResourceInput{KeyId: key, Tags: []types.Tag{{TagKey: aws.String("aws:x"), TagValue: aws.String("")}}})
		wantCode(t, err, "TagException")
		_, err = c.UntagResource(ctx, &kms.UntagResourceInput{KeyId: key, TagKeys: []string{"team"}})
		wantCode(t, err, "")
		tags, err := c.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: key})
		wantCode(t, err, "")
		if len(tags.Tags) != 1 || *tags.Tags[0].TagKey != "env" {
			t.Errorf("tags %+v", tags.Tags)
		}

		data := &kms.GenerateDataKeyInput{KeyId: key, KeySpec: types.DataKeySpecAes256}
		_, err = c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key})
		wantCode(t, err, "")
		_, err = c.GenerateDataKey(ctx, data)
		wantCode(t, err, "DisabledException")
		_, err = c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: key})
		wantCode(t, err, "")
		_, err = c.GenerateDataKey(ctx, data)
		wantCode(t, err, "")

		_, err = c.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: key})
		wantCode(t, err, "KMSInvalidStateException")
		_, err = c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: key, PendingWindowInDays: aws.Int32(6)})
		wantCode(t, err, "ValidationException")
		gone, err := c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: key, PendingWindowInDays: aws.Int32(7)})
		wantCode(t, err, "")
		if !gone.DeletionDate.Equal(time.Now().AddDate(0, 0, 7)) || stateOf(t, c, key) != types.KeyStatePendingDeletion {
			t.Errorf("deleted on %s", gone.DeletionDate)
		}
		_, err = c.GenerateDataKey(ctx, data)
		wantCode(t, err, "KMSInvalidStateException")
		_, err = c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: key})
		wantCode(t, err, "KMSInvalidStateException")
		_, err = c.CancelKeyDeletion(ctx, &kms.CancelKeyDeletionInput{KeyId: key})
		wantCode(t, err, "")
		if got := stateOf(t, c, key); got != types.KeyStateDisabled {
			t.Errorf("after the deletion was cancelled it is %s", got)
		}
		_, err = c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: key})
		wantCode(t, err, "")
		time.Sleep(31 * 24 * time.Hour)
		_, err = c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key})
		wantCode(t, err, "NotFoundException")
	})
}

func TestKMSAliases(t *testing.T) {
	inKMS(t, func(t *testing.T, _ *sandbox.AWS, c *kms.Client) {
		ctx := t.Context()
		one, two := newKey(t, c, kms.CreateKeyInput{}), newKey(t, c, kms.CreateKeyInput{MultiRegion: aws.Bool(true)})
		alias := func(name string, key *string, code string) {
			t.Helper()
			_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: &name, TargetKeyId: key})
			wantCode(t, err, code)
		}
		alias("alias/app", one, "")
		alias("alias/app", two, "AlreadyExistsException")
		alias("alias/aws/mine", one, "NotAuthorizedException")
		alias("app", one, "InvalidAliasNameException")
		alias("alias/other", aws.String("alias/app"), "ValidationException")
		alias("alias/other", aws.String("0a1b2c3d-0000-4000-8000-000000000000"), "NotFoundException")
		_, err := c.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/app"), TargetKeyId: two})
		wantCode(t, err, "")
		out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("arn:aws:kms:us-east-1:111111111111:alias/app")})
		wantCode(t, err, "")
		if *out.KeyMetadata.Arn != *two || !*out.KeyMetadata.MultiRegion {
			t.Errorf("the alias names %+v", out.KeyMetadata)
		}
		for i := range 60 {
			alias(fmt.Sprintf("alias/many-%02d", i), one, "")
		}
		var names []string
		pages := 0
		for p := kms.NewListAliasesPaginator(c, &kms.ListAliasesInput{Limit: aws.Int32(20)}); p.HasMorePages(); pages++ {
			page, err := p.NextPage(ctx)
			wantCode(t, err, "")
			for _, a := range page.Aliases {
				names = append(names, *a.AliasName)
			}
		}
		if pages != 4 || len(names) != 73 || !slices.Contains(names, "alias/aws/rds") || !slices.IsSorted(names) {
			t.Errorf("%d aliases on %d pages: %v", len(names), pages, names)
		}
		of, err := c.ListAliases(ctx, &kms.ListAliasesInput{KeyId: two})
		wantCode(t, err, "")
		if len(of.Aliases) != 1 {
			t.Errorf("%+v", of.Aliases)
		}
		_, err = c.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/app")})
		wantCode(t, err, "")
		_, err = c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/app")})
		wantCode(t, err, "NotFoundException")
		alias("alias/app", one, "") // The name is free again.
		_, err = c.ListKeys(ctx, &kms.ListKeysInput{Marker: aws.String("!")})
		wantCode(t, err, "InvalidMarkerException")
	})
}

// statement is a policy with the account's own statement and another one.
func statement(effect, principal, action, condition string) string {
	if condition != "" {
		condition = `, "Condition": ` + condition
	}
	return fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*"},
		{"Effect": %q, "Principal": %s, "Action": %s, "Resource": ["*"]%s}]}`, effect, principal, action, condition)
}

func TestKMSPolicies(t *testing.T) {
	const allowed, denied = "", "AccessDeniedException"
	them := `{"AWS": ["222222222222", "arn:aws:iam::333333333333:root"]}`
	for _, tc := range []struct {
		name, policy                    string
		account, describe, grant, owner string
	}{
		{"of the account alone", `{"Statement": {"Effect": "Allow", "Principal": {"AWS": "111111111111"}, "Action": "*", "Resource": "*"}}`, recovery, denied, denied, allowed},
		{"an account", statement("Allow", them, `"kms:*"`, ""), recovery, allowed, allowed, allowed},
		{"one action", statement("Allow", them, `["kms:Describe*", "kms:decrypt"]`, ""), recovery, allowed, denied, allowed},
		{"a third account", statement("Allow", them, `"kms:*"`, ""), "444444444444", denied, denied, allowed},
		{"everyone of an account", statement("Allow", `"*"`, `"kms:*"`, `{"StringEquals": {"kms:CallerAccount": "222222222222"}}`), recovery, allowed, allowed, allowed},
		{"everyone of another", statement("Allow", `"*"`, `"kms:*"`, `{"StringEquals": {"KMS:callerAccount": ["333333333333"]}}`), recovery, denied, denied, allowed},
		{"through a service alone", statement("Allow", `"*"`, `"kms:*"`, `{"StringLike": {"kms:ViaService": "rds.*.amazonaws.com"}}`), recovery, denied, denied, allowed},
		{"grants for services alone", statement("Allow", them, `"kms:CreateGrant"`, `{"Bool": {"kms:GrantIsForAWSResource": true}}`), recovery, denied, denied, allowed},
		{"forbidden to its own", statement("Deny", `{"AWS": "arn:aws:iam::111111111111:root"}`, `"kms:DescribeKey"`, ""), recovery, denied, denied, denied},
		{"a role", statement("Allow", `{"AWS": "arn:aws:iam::222222222222:role/team/copier"}`, `"kms:*"`, ""), recovery, denied, denied, allowed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inKMS(t, func(t *testing.T, a *sandbox.AWS, c *kms.Client) {
				key, theirs := newKey(t, c, kms.CreateKeyInput{Policy: &tc.policy}), kmsAt(a, tc.account, east)
				_, err := theirs.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key})
				wantCode(t, err, tc.describe)
				_, err = theirs.CreateGrant(t.Context(), &kms.CreateGrantInput{
					KeyId: key, GranteePrincipal: aws.String("arn:aws:iam::222222222222:root"), Operations: []types.GrantOperation{types.GrantOperationDecrypt},
				})
				wantCode(t, err, tc.grant)
				_, err = c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key})
				wantCode(t, err, tc.owner)
				_, err = theirs.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: key})
				wantCode(t, err, denied) // Not of another account, whatever the policy says.
			})
		})
	}
}

func TestKMSPoliciesThatAreRefused(t *testing.T) {
	inKMS(t, func(t *testing.T, a *sandbox.AWS, c *kms.Client) {
		mustSeed(t, a, "accounts: {\"222222222222\": {roles: [copier]}}")
		key := newKey(t, c, kms.CreateKeyInput{})
		for name, tc := range map[string]struct{ policy, code string }{
			"no JSON":            {"{", "MalformedPolicyDocumentException"},
			"no statement":       {`{"Statement": []}`, "MalformedPolicyDocumentException"},
			"another condition":  {statement("Allow", `"*"`, `"kms:*"`, `{"StringEquals": {"aws:PrincipalOrgID": "o-1"}}`), "NotImplemented"},
			"another operator":   {statement("Allow", `"*"`, `"kms:*"`, `{"StringNotEquals": {"kms:CallerAccount": "1"}}`), "NotImplemented"},
			"NotAction":          {`{"Statement": {"Effect": "Allow", "Principal": "*", "NotAction": "kms:*", "Resource": "*"}}`, "NotImplemented"},
			"a service":          {statement("Allow", `{"Service": "sns.amazonaws.com"}`, `"kms:*"`, ""), "NotImplemented"},
			"another's action":   {statement("Allow", `"*"`, `"rds:*"`, ""), "MalformedPolicyDocumentException"},
			"an effect":          {statement("Permit", `"*"`, `"kms:*"`, ""), "MalformedPolicyDocumentException"},
			"no such role":       {statement("Allow", `{"AWS": "arn:aws:iam::222222222222:role/none"}`, `"kms:*"`, ""), "MalformedPolicyDocumentException"},
			"locks itself out":   {`{"Statement": {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "kms:*", "Resource": "*"}}`, "MalformedPolicyDocumentException"},
			"far too long":       {statement("Allow", `"*"`, `"kms:`+strings.Repeat("a", 32768)+`"`, ""), "LimitExceededException"},
			"a role that exists": {statement("Allow", `{"AWS": "arn:aws:iam::222222222222:role/copier"}`, `"kms:*"`, ""), ""},
		} {
			_, err := c.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: key, Policy: &tc.policy})
			t.Log(name)
			wantCode(t, err, tc.code)
		}
		_, err := asRole(t, a, recovery, east, "copier").DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key})
		wantCode(t, err, "")
		got, err := c.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: key})
		wantCode(t, err, "")
		if !strings.Contains(*got.Policy, "role/copier") {
			t.Errorf("the policy is %s", *got.Policy)
		}
		a.SetDenied(recovery, "kms:DescribeKey")
		_, err = asRole(t, a, recovery, east, "copier").DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: key})
		wantCode(t, err, "AccessDeniedException")
	})
}

func TestKMSKeysOfAWS(t *testing.T) {
	inKMS(t, func(t *testing.T, a *sandbox.AWS, c *kms.Client) {
		ctx, alias := t.Context(), aws.String("alias/aws/rds")
		out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: alias})
		wantCode(t, err, "")
		key := out.KeyMetadata.Arn
		if out.KeyMetadata.KeyManager != types.KeyManagerTypeAws {
			t.Errorf("%+v", out.KeyMetadata)
		}
		_, err = c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: key})
		wantCode(t, err, "AccessDeniedException")
		_, err = c.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: key, Policy: aws.String("{}")})
		wantCode(t, err, "AccessDeniedException")
		_, err = c.Encrypt(ctx, &kms.EncryptInput{KeyId: key, Plaintext: []byte("x")})
		wantCode(t, err, "AccessDeniedException") // Through RDS only.
		_, err = kmsAt(a, recovery, east).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key})
		wantCode(t, err, "AccessDeniedException")
		_, err = c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/cheese")})
		wantCode(t, err, "NotFoundException")
		if err := a.SetKeyEnabled(prod, east, "alias/aws/rds", false); err == nil {
			t.Error("a key of AWS was disabled")
		}
	})
}

func TestKMSGrants(t *testing.T) {
	inKMS(t, func(t *testing.T, a *sandbox.AWS, c *kms.Client) {
		ctx, key, theirs := t.Context(), newKey(t, c, kms.CreateKeyInput{}), kmsAt(a, recovery, east)
		describe := func(code string) {
			t.Helper()
			_, err := theirs.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key})
			wantCode(t, err, code)
		}
		in := kms.CreateGrantInput{
			KeyId: key, Name: aws.String("once"), GranteePrincipal: aws.String("arn:aws:iam::222222222222:root"),
			Operations: []types.GrantOperation{types.GrantOperationDescribeKey, types.GrantOperationRetireGrant},
		}
		describe("AccessDeniedException")
		one, err := c.CreateGrant(ctx, &in)
		wantCode(t, err, "")
		again, err := c.CreateGrant(ctx, &in)
		wantCode(t, err, "")
		if *one.GrantId != *again.GrantId {
			t.Error("the same grant was made twice")
		}
		describe("")
		list, err := c.ListGrants(ctx, &kms.ListGrantsInput{KeyId: key})
		wantCode(t, err, "")
		if len(list.Grants) != 1 || *list.Grants[0].Name != "once" || len(list.Grants[0].Operations) != 2 {
			t.Errorf("%+v", list.Grants)
		}
		_, err = kmsAt(a, "333333333333", east).RetireGrant(ctx, &kms.RetireGrantInput{GrantToken: one.GrantToken})
		wantCode(t, err, "AccessDeniedException")
		_, err = theirs.RetireGrant(ctx, &kms.RetireGrantInput{GrantId: one.GrantId, KeyId: key, DryRun: aws.Bool(true)})
		wantCode(t, err, "DryRunOperationException")
		describe("")
		_, err = theirs.RetireGrant(ctx, &kms.RetireGrantInput{GrantId: one.GrantId, KeyId: key})
		wantCode(t, err, "")
		describe("AccessDeniedException")
		two, err := c.CreateGrant(ctx, &in)
		wantCode(t, err, "")
		_, err = theirs.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: key, GrantId: two.GrantId})
		wantCode(t, err, "AccessDeniedException")
		_, err = c.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: key, GrantId: two.GrantId})
		wantCode(t, err, "")
		_, err = c.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: key, GrantId: two.GrantId})
		wantCode(t, err, "NotFoundException")
		_, err = c.RetireGrant(ctx, &kms.RetireGrantInput{GrantToken: two.GrantToken})
		wantCode(t, err, "InvalidGrantTokenException")
		in.GranteePrincipal = aws.String("arn:aws:s3:::bucket")
		_, err = c.CreateGrant(ctx, &in)
		wantCode(t, err, "InvalidArnException")
	})
}

func TestKMSCryptography(t *testing.T) {
	inKMS(t, func(t *testing.T, a *sandbox.AWS, c *kms.Client) {
		ctx, key := t.Context(), newKey(t, c, kms.CreateKeyInput{})
		other := newKey(t, c, kms.CreateKeyInput{})
		with := map[string]string{"a.b": "c"}
		sealed, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: key, Plaintext: []byte("secret"), EncryptionContext: with})
		wantCode(t, err, "")
		opened, err := c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: with})
		wantCode(t, err, "")
		if string(opened.Plaintext) != "secret" || *opened.KeyId != *key {
			t.Errorf("%+v", opened)
		}
		for code, in := range map[string]kms.DecryptInput{
			"InvalidCiphertextException": {CiphertextBlob: sealed.CiphertextBlob},
			"IncorrectKeyException":      {CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: with, KeyId: other},
			"DryRunOperationException":   {CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: with, DryRun: aws.Bool(true)},
		} {
			_, err := c.Decrypt(ctx, &in)
			wantCode(t, err, code)
		}
		_, err = kmsAt(a, recovery, east).Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: with})
		wantCode(t, err, "AccessDeniedException")
		moved, err := c.ReEncrypt(ctx, &kms.ReEncryptInput{CiphertextBlob: sealed.CiphertextBlob, SourceEncryptionContext: with, DestinationKeyId: other})
		wantCode(t, err, "")
		opened, err = c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: moved.CiphertextBlob, KeyId: other})
		wantCode(t, err, "")
		if string(opened.Plaintext) != "secret" {
			t.Errorf("%+v", opened)
		}
		data, err := c.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: key, NumberOfBytes: aws.Int32(24)})
		wantCode(t, err, "")
		opened, err = c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: data.CiphertextBlob})
		wantCode(t, err, "")
		if len(data.Plaintext) != 24 || !bytes.Equal(opened.Plaintext, data.Plaintext) {
			t.Errorf("%d bytes", len(data.Plaintext))
		}
		hidden, err := c.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: key, KeySpec: types.DataKeySpecAes128})
		wantCode(t, err, "")
		if len(hidden.CiphertextBlob) == 0 {
			t.Error("no ciphertext")
		}
		_, err = c.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: key})
		wantCode(t, err, "ValidationException")
		a.SetDenied(prod, "kms:*")
		_, err = c.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: key, KeySpec: types.DataKeySpecAes128})
		wantCode(t, err, "AccessDeniedException")
	})
}

func TestSeedKeys(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a bad name", "keys:\n          - shop\n", `s.yaml:6: accounts.111111111111.regions.us-east-1.keys.[0]: "shop" is neither an alias`},
		{"a key of AWS", "keys: [alias/aws/rds]\n", "a key that AWS manages"},
		{"a state", "keys: [{name: alias/a, state: lost}]\n", `"lost" is none of`},
		{"too soon", "keys: [{name: alias/a, deleted-in: 1d}]\n", "not from 7 to 30 whole days"},
		{"both", "keys: [{name: alias/a, policy: \"{}\", accounts: [\"222222222222\"]}]\n", "give one of them"},
		{"an account", "keys: [{name: alias/a, accounts: [dr]}]\n", `"dr" is not an account id`},
		{"an unknown field", "keys: [{name: alias/a, colour: red}]\n", `unknown field "colour"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := sandbox.ParseSeed("s.yaml", []byte(region(tc.text)))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
	inKMS(t, func(t *testing.T, a *sandbox.AWS, c *kms.Client) {
		mustSeed(t, a, region("keys:\n          - alias/plain\n"+
			"          - {name: alias/shared, accounts: [\"222222222222\"], tags: {team: shop}}\n"+
			"          - {name: 0a1b2c3d-0000-4000-8000-000000000001, state: disabled}\n"+
			"          - {name: alias/leaving, deleted-in: 7d}\n"))
		for name, want := range map[string]types.KeyState{
			"alias/plain": types.KeyStateEnabled, "0a1b2c3d-0000-4000-8000-000000000001": types.KeyStateDisabled, "alias/leaving": types.KeyStatePendingDeletion,
		} {
			if got := stateOf(t, c, &name); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
		key, err := a.PutKey(prod, east, sandbox.SeedKey{Name: "alias/shared"})
		wantCode(t, err, "")
		if got := stateOf(t, kmsAt(a, recovery, east), &key); got != types.KeyStateEnabled {
			t.Error(got)
		}
		if err := a.ScheduleKeyDeletion(prod, east, "alias/shared", 7*24*time.Hour); err != nil || stateOf(t, c, &key) != types.KeyStatePendingDeletion {
			t.Error(err)
		}
		if err := a.SetKeyEnabled(prod, east, key, true); err != nil || stateOf(t, c, &key) != types.KeyStateEnabled {
			t.Error(err)
		}
		if err := a.SetKeyPolicy(prod, east, key, statement("Deny", `"*"`, `"kms:*"`, "")); err != nil {
			t.Error(err)
		}
		_, err = c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &key})
		wantCode(t, err, "AccessDeniedException")
		if err := a.PutDBInstance(prod, east, "d", sandbox.SeedDatabase{Key: "alias/none"}); err == nil {
			t.Error("a key that the Region has not was used")
		}
	})
}

// Where a Region declares no keys, those that seeds name exist and no others.
func TestKeysThatSeedsName(t *testing.T) {
	inKMS(t, func(t *testing.T, a *sandbox.AWS, c *kms.Client) {
		if err := a.PutDBInstance(prod, east, "d", sandbox.SeedDatabase{Key: "alias/named"}); err != nil {
			t.Fatal(err)
		}
		if got := stateOf(t, c, aws.String("alias/named")); got != types.KeyStateEnabled {
			t.Error(got)
		}
		_, err := rdsAt(a, prod, east).CreateDBInstance(t.Context(), &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: aws.String("e"), DBInstanceClass: aws.String("db.t4g.medium"), Engine: aws.String("postgres"), AllocatedStorage: aws.Int32(20),
			MasterUsername: aws.String("app"), MasterUserPassword: aws.String("a-long-secret"), StorageEncrypted: aws.Bool(true), KmsKeyId: aws.String("alias/unknown"),
		})
		wantCode(t, err, "KMSKeyNotAccessibleFault")
	})
}
