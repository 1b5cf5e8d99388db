package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
)

// ciphertext is what stands in for an encrypted blob: nothing is encrypted, but who
// may read it is decided as for a real one.
type ciphertext struct {
	Key     string
	Context map[string]string
	Plain   []byte
}

type cryptoResult struct {
	KeyId               string
	CiphertextBlob      []byte `json:",omitempty"`
	Plaintext           []byte `json:",omitempty"`
	EncryptionAlgorithm string `json:",omitempty"`
}

// tried is the answer to a call that would have been done but was only to be tried.
func tried(asked bool) error {
	if !asked {
		return nil
	}
	return &apiError{"DryRunOperationException", http.StatusPreconditionFailed, "The request would have succeeded, but the DryRun option is set."}
}

// readContext reads an encryption context.
func readContext(p *params, name string) map[string]string {
	out := map[string]string{}
	for key := range p.values {
		if rest, ok := strings.CutPrefix(key, name+"."); ok {
			out[rest] = p.str(key)
		}
	}
	return out
}

// readAlgorithm takes the only algorithm of symmetric keys.
func readAlgorithm(p *params, name string) {
	if got := p.str(name); got != "" && got != symmetric {
		p.fail(refuse("InvalidKeyUsageException", "The algorithm %s is not one of a symmetric key.", got))
	}
}

// blob reads bytes.
func (p *params) blob(name string) []byte {
	out, err := base64.StdEncoding.DecodeString(p.need(name))
	if err != nil {
		p.fail(refuse("SerializationException", "%s is not base64.", name))
	}
	return out
}

// sealWith finds a key to encrypt with.
func (k *keyring) sealWith(r *request, name, action string) (*kmsKey, error) {
	key, err := k.target(r, name, action, false)
	if err == nil {
		err = key.usable(r.now)
	}
	return key, err
}

func seal(key *kmsKey, context map[string]string, plain []byte) []byte {
	out, _ := json.Marshal(ciphertext{key.arn(), context, plain}) //nolint:errchkjson // Texts and bytes can always be written.
	return out
}

// open reads what a key has encrypted. name is the key that the caller says it was,
// if any.
func (k *keyring) open(r *request, blob []byte, name string, context map[string]string, action string) (ciphertext, error) {
	var c ciphertext
	if json.Unmarshal(blob, &c) != nil || c.Key == "" {
		return c, refuse("InvalidCiphertextException", "The ciphertext is not one of AWS KMS.")
	}
	key, err := k.target(r, c.Key, action, false)
	if err != nil {
		return c, err
	}
	if name != "" {
		if said, err := k.target(r, name, action, false); err != nil || said != key {
			return c, firstError(err, refuse("IncorrectKeyException", "The key ID in the request does not identify the key that encrypted this."))
		}
	}
	if !maps.Equal(c.Context, context) {
		return c, refuse("InvalidCiphertextException", "The encryption context is not that of the encryption.")
	}
	return c, key.usable(r.now)
}

func (k *keyring) encrypt(r *request) (any, error) {
	p := r.params
	name, plain, context, dry := p.need("KeyId"), p.blob("Plaintext"), readContext(p, "EncryptionContext"), p.isSet("DryRun")
	readAlgorithm(p, "EncryptionAlgorithm")
	p.list("GrantTokens", "member")
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(plain) == 0 || len(plain) > 4096 {
		return nil, invalidValue("Plaintext must be from 1 to 4096 bytes long, got %d", len(plain))
	}
	key, err := k.sealWith(r, name, "Encrypt")
	if err := firstError(err, tried(dry)); err != nil {
		return nil, err
	}
	return cryptoResult{KeyId: key.arn(), CiphertextBlob: seal(key, context, plain), EncryptionAlgorithm: symmetric}, nil
}

func (k *keyring) decrypt(r *request) (any, error) {
	p := r.params
	name, blob, context, dry := p.str("KeyId"), p.blob("CiphertextBlob"), readContext(p, "EncryptionContext"), p.isSet("DryRun")
	readAlgorithm(p, "EncryptionAlgorithm")
	p.list("GrantTokens", "member")
	if err := p.check(); err != nil {
		return nil, err
	}
	c, err := k.open(r, blob, name, context, "Decrypt")
	if err := firstError(err, tried(dry)); err != nil {
		return nil, err
	}
	return cryptoResult{KeyId: c.Key, Plaintext: c.Plain, EncryptionAlgorithm: symmetric}, nil
}

func (k *keyring) reEncrypt(r *request) (any, error) {
	p := r.params
	from, to, blob, dry := p.str("SourceKeyId"), p.need("DestinationKeyId"), p.blob("CiphertextBlob"), p.isSet("DryRun")
	before, after := readContext(p, "SourceEncryptionContext"), readContext(p, "DestinationEncryptionContext")
	readAlgorithm(p, "SourceEncryptionAlgorithm")
	readAlgorithm(p, "DestinationEncryptionAlgorithm")
	p.list("GrantTokens", "member")
	if err := p.check(); err != nil {
		return nil, err
	}
	c, err := k.open(r, blob, from, before, "ReEncryptFrom")
	if err != nil {
		return nil, err
	}
	key, err := k.sealWith(r, to, "ReEncryptTo")
	if err := firstError(err, tried(dry)); err != nil {
		return nil, err
	}
	return struct {
		CiphertextBlob                                                                []byte
		KeyId, SourceKeyId, SourceEncryptionAlgorithm, DestinationEncryptionAlgorithm string
	}{seal(key, after, c.Plain), key.arn(), c.Key, symmetric, symmetric}, nil
}

// generateDataKey is GenerateDataKey and GenerateDataKeyWithoutPlaintext.
func (k *keyring) generateDataKey(r *request) (any, error) {
	p := r.params
	name, spec, n := p.need("KeyId"), p.str("KeySpec"), p.number("NumberOfBytes")
	context, dry := readContext(p, "EncryptionContext"), p.isSet("DryRun")
	p.list("GrantTokens", "member")
	if err := p.check(); err != nil {
		return nil, err
	}
	size, ok := map[string]int{"AES_256": 32, "AES_128": 16}[spec]
	if n != nil {
		size, ok = *n, spec == "" && *n >= 1 && *n <= 1024
	}
	if !ok {
		return nil, invalidValue("Please specify either number of bytes, from 1 to 1024, or key spec.")
	}
	key, err := k.sealWith(r, name, r.action)
	if err := firstError(err, tried(dry)); err != nil {
		return nil, err
	}
	k.made++
	plain := []byte(strings.Repeat(hashed(64, "data key", key.id, r.now.String()), 16))[:size]
	out := cryptoResult{KeyId: key.arn(), CiphertextBlob: seal(key, context, plain), Plaintext: plain}
	if r.action == "GenerateDataKeyWithoutPlaintext" {
		out.Plaintext = nil
	}
	return out, nil
}
