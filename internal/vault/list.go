package vault

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// readers is how many manifests are read at once.
const readers = 16

// Snapshot is what a listing shows of one.
type Snapshot struct {
	// Folder is where it is, within the vault.
	Folder string
	// Manifest is the zero one where there is a Flaw.
	Manifest Manifest
	// Flaw says why the manifest cannot be read; such a snapshot is not ours.
	Flaw string
	// Damage says what of its files is missing or not as long as it should be.
	Damage string
}

// folder is what a listing shows of one snapshot's.
type folder struct {
	manifest object
	files    map[string]object
}

// List gives all snapshots of a resource, or of all where that is empty: complete, or an
// error. What has no manifest is not there. It takes a call for each thousand objects, and
// one for each manifest that this Vault has not read before, 16 at once.
func (v *Vault) List(ctx context.Context, resource string) ([]Snapshot, error) {
	prefix := ""
	if resource != "" {
		prefix = element(resource) + "/"
	}
	folders, err := v.folders(ctx, prefix)
	if err != nil {
		return nil, v.fail("list snapshots", prefix, err)
	}
	found := make([]Snapshot, len(folders))
	g, reading := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	i := 0
	for name, f := range folders {
		at := &found[i]
		i++
		g.Go(func() error {
			one, err := v.see(reading, name, f)
			*at = one
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, v.fail("list snapshots", prefix, err)
	}
	found = slices.DeleteFunc(found, func(s Snapshot) bool { return s.Folder == "" })
	slices.SortFunc(found, func(a, b Snapshot) int { return cmp.Compare(a.Folder, b.Folder) })
	if resource == "" {
		v.forget(folders)
	}
	return found, nil
}

// folders lists what has the form of snapshots, whole or not.
func (v *Vault) folders(ctx context.Context, prefix string) (map[string]*folder, error) {
	out := map[string]*folder{}
	for o, err := range v.bucket.list(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		name, file, ok := split(o.key)
		if !ok {
			continue
		}
		f := out[name]
		if f == nil {
			f = &folder{files: map[string]object{}}
			out[name] = f
		}
		if file == manifestName {
			f.manifest = o
		} else {
			f.files[file] = o
		}
	}
	return out, nil
}

// see reads a snapshot; the zero one is none.
func (v *Vault) see(ctx context.Context, name string, f *folder) (Snapshot, error) {
	if f.manifest.key == "" {
		return Snapshot{}, nil
	}
	s, ok := v.remembered(f.manifest)
	if !ok {
		body, version, err := v.bucket.read(ctx, f.manifest.key)
		if errors.Is(err, ErrNotFound) {
			return Snapshot{}, nil // It went meanwhile.
		}
		if err != nil {
			return Snapshot{}, err
		}
		s = understand(body, name)
		v.remember(f.manifest, version, s)
	}
	if s.Folder == "" || s.Flaw != "" || s.Manifest.Leaving {
		return s, nil
	}
	if s.Damage = f.damage(s.Manifest); s.Damage == "" {
		return s, nil
	}
	// Pages of a listing are of different moments, and the parts may have come in between.
	again, err := v.folders(ctx, name)
	if err != nil {
		return s, err
	}
	if now := again[name]; now == nil || now.manifest.key == "" {
		return Snapshot{}, nil
	} else if now.manifest.version == f.manifest.version {
		s.Damage = now.damage(s.Manifest)
	}
	return s, nil
}

// understand reads a manifest, or says why that cannot be done.
func understand(body []byte, folder string) Snapshot {
	m, err := parseManifest(body, folder)
	switch {
	case errors.Is(err, errNotOurs):
		return Snapshot{}
	case len(body) > manifestLimit:
		return Snapshot{Folder: folder, Flaw: fmt.Sprintf("the manifest has more than %d bytes", manifestLimit)}
	case err != nil:
		return Snapshot{Folder: folder, Flaw: err.Error()}
	}
	return Snapshot{Folder: folder, Manifest: m}
}

// damage says what of a snapshot's files is not as the manifest says, as far as a listing
// shows.
func (f *folder) damage(m Manifest) string {
	var out []string
	for _, p := range m.Parts {
		if o, ok := f.files[p.File]; !ok {
			out = append(out, fmt.Sprintf("the file of part %s is missing", p.Name))
		} else if o.size != p.Bytes {
			out = append(out, fmt.Sprintf("the file of part %s has %d bytes and not %d", p.Name, o.size, p.Bytes))
		}
	}
	return strings.Join(out, "; ")
}

// remembered gives what was read of a manifest before, if it has not changed since.
func (v *Vault) remembered(o object) (Snapshot, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.known[o.key]
	return k.found, ok && o.version != "" && k.version == o.version
}

func (v *Vault) remember(o object, version string, s Snapshot) {
	if o.version == "" || o.version != version {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known[o.key] = known{version, s}
}

// forget lets go of what is not there any more.
func (v *Vault) forget(folders map[string]*folder) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for key := range v.known {
		name, _, _ := split(key)
		if f := folders[name]; f == nil || f.manifest.key == "" {
			delete(v.known, key)
		}
	}
}

// Get reads the manifest of a snapshot. One that cannot be read is ErrCorrupt.
func (v *Vault) Get(ctx context.Context, id ID) (Manifest, error) {
	m, _, err := v.manifest(ctx, id)
	if err != nil {
		return Manifest{}, v.fail("read snapshot", id.folder(), err)
	}
	return m, nil
}

// manifest reads a manifest and its version.
func (v *Vault) manifest(ctx context.Context, id ID) (Manifest, string, error) {
	body, version, err := v.bucket.read(ctx, id.folder()+manifestName)
	if err != nil {
		return Manifest{}, "", err
	}
	s := understand(body, id.folder())
	switch {
	case s.Folder == "":
		return Manifest{}, "", fmt.Errorf("%w: %w", ErrConflict, errNotOurs)
	case s.Flaw != "":
		return Manifest{}, "", fmt.Errorf("%w: %s", ErrCorrupt, s.Flaw)
	}
	return s.Manifest, version, nil
}
