package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// mark says that somebody is at work in a folder. Only who can change it as it was last
// may go on: a writer that was away too long finds that it has been swept up, and a sweep
// that the writer is there.
type mark struct {
	Format   string    `json:"format"`
	Owner    string    `json:"owner"`
	Resource string    `json:"resource"`
	Name     string    `json:"name"`
	Nonce    string    `json:"nonce"`
	State    state     `json:"state"`
	Begun    time.Time `json:"begun"`
	// Renewed is by the clock of who wrote it.
	Renewed time.Time `json:"renewed"`
}

type state string

const (
	// writing: parts come in.
	writing state = "writing"
	// publishing: all parts are there, and the manifest is next.
	publishing state = "publishing"
	// leaving: it was given up, and is being swept up.
	leaving state = "leaving"
)

func (m mark) key() string { return ID{m.Resource, m.Name}.folder() + markName(m.Nonce) }

// put writes the mark over one of a version, and gives the version that it has then.
func (v *Vault) putMark(ctx context.Context, m *mark, was string) (string, error) {
	m.Renewed = time.Now().UTC()
	body, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("write the mark of %s: %w", m.Nonce, err)
	}
	return v.bucket.put(ctx, m.key(), body, was)
}

// readMark reads the mark in a folder; one that is not of this form is nobody's.
func (v *Vault) readMark(ctx context.Context, key string) (m mark, version string, ok bool, err error) {
	body, version, err := v.bucket.read(ctx, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return m, "", false, nil
	case err != nil:
		return m, "", false, err
	}
	ours := json.Unmarshal(body, &m) == nil && m.Format == Format && m.key() == key
	return m, version, ours, nil
}
