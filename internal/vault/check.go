package vault

import (
	"context"
	"errors"
	"fmt"
)

// Check tries all that holdfast needs of a vault, with an object of its own in a hidden
// folder: that it can be listed, written, read and deleted, and that a write under a
// condition that does not hold is refused. Places that do not know such conditions may
// ignore them; two runs at once would then destroy each other's snapshots.
func (v *Vault) Check(ctx context.Context) error {
	for _, err := range v.bucket.list(ctx, "") {
		if err != nil {
			return v.fail("check", "", err)
		}
		break
	}
	key := hidden + "/check-" + newNonce()
	err := v.checkWrites(ctx, key)
	if gone := v.bucket.remove(context.WithoutCancel(ctx), key); err == nil {
		err = gone
	}
	if err != nil {
		return v.fail("check", key, err)
	}
	return nil
}

func (v *Vault) checkWrites(ctx context.Context, key string) error {
	version, err := v.bucket.put(ctx, key, []byte("first"), "")
	if err != nil {
		return err
	}
	for _, was := range [...]string{"", version + "0"} {
		if _, err = v.bucket.put(ctx, key, []byte("second"), was); !errors.Is(err, ErrConflict) {
			return fmt.Errorf("a write that was to fail since something is there did not (%w): this place does not know conditional writes, and holdfast cannot do without", orNil(err))
		}
	}
	if _, err = v.bucket.put(ctx, key, []byte("third"), version); err != nil {
		return err
	}
	body, _, err := v.bucket.read(ctx, key)
	if err == nil && string(body) != "third" {
		err = fmt.Errorf("%w: what was written last is not what is read", ErrCorrupt)
	}
	return err
}

func orNil(err error) error {
	if err == nil {
		return errors.New("it succeeded")
	}
	return err
}
