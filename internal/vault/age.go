package vault

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// readRecipients reads public keys of age and of SSH.
func readRecipients(keys []string) ([]age.Recipient, error) {
	var out []age.Recipient
	for _, key := range keys {
		if strings.HasPrefix(key, "ssh-") {
			r, err := agessh.ParseRecipient(key)
			if err != nil {
				return nil, fmt.Errorf("read recipient %q: %w: write an SSH public key of type ed25519 or rsa", key, err)
			}
			out = append(out, r)
			continue
		}
		some, err := age.ParseRecipients(strings.NewReader(key))
		if err != nil {
			return nil, fmt.Errorf("read recipient %q: %w: age-keygen prints the public key", key, err)
		}
		out = append(out, some...)
	}
	return out, nil
}

// readIdentities reads the text of age's identity files, or of SSH private keys without
// passphrase.
func readIdentities(text string) ([]age.Identity, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, nil
	case strings.Contains(text, "PRIVATE KEY-----"):
		id, err := agessh.ParseIdentity([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("read the SSH private key: %w", err)
		}
		return []age.Identity{id}, nil
	}
	out, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil {
		// The cause can hold the line, which is the secret.
		return nil, errors.New("read the age identities: this is no identity file: its lines begin with AGE-SECRET-KEY-1")
	}
	return out, nil
}
