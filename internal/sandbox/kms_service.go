package sandbox

import (
	"encoding/base64"
	"sort"
)

func kmsService(k *keyring) *service {
	return &service{
		name: "kms", json: true, known: kmsActions, resource: kmsResource,
		operations: map[string]operation{
			"CreateKey":                       writes(k.createKey),
			"DescribeKey":                     reads(k.describeKey),
			"ListKeys":                        reads(k.listKeys),
			"EnableKey":                       writes(k.enableKey),
			"DisableKey":                      writes(k.disableKey),
			"ScheduleKeyDeletion":             writes(k.scheduleKeyDeletion),
			"CancelKeyDeletion":               writes(k.cancelKeyDeletion),
			"GetKeyPolicy":                    reads(k.getKeyPolicy),
			"ListKeyPolicies":                 reads(k.listKeyPolicies),
			"PutKeyPolicy":                    writes(k.putKeyPolicy),
			"CreateAlias":                     writes(k.createAlias),
			"UpdateAlias":                     writes(k.updateAlias),
			"DeleteAlias":                     writes(k.deleteAlias),
			"ListAliases":                     reads(k.listAliases),
			"CreateGrant":                     writes(k.createGrant),
			"ListGrants":                      reads(k.listGrants),
			"RevokeGrant":                     writes(k.revokeGrant),
			"RetireGrant":                     writes(k.retireGrant),
			"TagResource":                     writes(k.tagResource),
			"UntagResource":                   writes(k.untagResource),
			"ListResourceTags":                reads(k.listResourceTags),
			"Encrypt":                         reads(k.encrypt),
			"Decrypt":                         reads(k.decrypt),
			"ReEncrypt":                       reads(k.reEncrypt),
			"GenerateDataKey":                 reads(k.generateDataKey),
			"GenerateDataKeyWithoutPlaintext": reads(k.generateDataKey),
		},
	}
}

// kmsResource names what a call is about, as messages about permissions do.
func kmsResource(r *request) string {
	if id := r.params.values.Get("KeyId"); id != "" {
		return id
	}
	return "*"
}

// kmsActions lists the actions of the AWS KMS API, version 2014-11-01, so that one
// that is not simulated can be told from one that does not exist.
const kmsActions = "CancelKeyDeletion ConnectCustomKeyStore CreateAlias CreateCustomKeyStore CreateGrant CreateKey " +
	"Decapsulate Decrypt DeleteAlias DeleteCustomKeyStore DeleteImportedKeyMaterial DeriveSharedSecret " +
	"DescribeCustomKeyStores DescribeKey DisableKey DisableKeyRotation DisconnectCustomKeyStore EnableKey " +
	"EnableKeyRotation Encapsulate Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext " +
	"GenerateDataKeyWithoutPlaintext GenerateMac GenerateRandom GetKeyLastUsage GetKeyPolicy GetKeyRotationStatus " +
	"GetParametersForImport GetPublicKey ImportKeyMaterial ListAliases ListGrants ListKeyPolicies ListKeyRotations " +
	"ListKeys ListResourceTags ListRetirableGrants PutKeyPolicy ReEncrypt ReplicateKey RetireGrant RevokeGrant " +
	"RotateKeyOnDemand ScheduleKeyDeletion Sign TagResource UntagResource UpdateAlias UpdateCustomKeyStore " +
	"UpdateKeyDescription UpdatePrimaryRegion Verify VerifyMac"

// kmsPage is what a call asks for of a long list.
type kmsPage struct {
	limit int
	after string
}

// kmsMarker is how the answer with a list goes on.
type kmsMarker struct {
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

// readKMSPage reads the parameters of a list.
func readKMSPage(p *params, usual, most int) (kmsPage, error) {
	pg := kmsPage{limit: usual}
	if n := p.number("Limit"); n != nil {
		pg.limit = *n
	}
	if pg.limit < 1 || pg.limit > most {
		return pg, invalidValue("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value between 1 and %d", pg.limit, most)
	}
	after, err := base64.URLEncoding.DecodeString(p.str("Marker"))
	if err != nil {
		return pg, refuse("InvalidMarkerException", "The marker %s is not valid.", p.str("Marker"))
	}
	pg.after = string(after)
	return pg, nil
}

// cutKMS gives the page of a list that was asked for, in the order of the ids.
func cutKMS[T any](all []T, id func(T) string, pg kmsPage) ([]T, kmsMarker) {
	sort.SliceStable(all, func(i, j int) bool { return id(all[i]) < id(all[j]) })
	from := sort.Search(len(all), func(i int) bool { return pg.after == "" || id(all[i]) > pg.after })
	all = all[from:]
	if len(all) <= pg.limit {
		return append([]T{}, all...), kmsMarker{}
	}
	last := id(all[pg.limit-1])
	return all[:pg.limit], kmsMarker{base64.URLEncoding.EncodeToString([]byte(last)), true}
}
