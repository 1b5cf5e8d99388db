package outside

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// What the gateway takes as access key and secret.
const (
	GatewayKey    = "gateway"
	GatewaySecret = "gateway-secret"
)

// Gateway starts an S3 gateway over a directory, that ends with the test, and gives its
// endpoint and that directory, in which folders are buckets and files are objects.
func Gateway(t testing.TB, buckets ...string) (endpoint, dir string) {
	t.Helper()
	program := Command(t, "versitygw")
	home := serverDir(t)
	dir = filepath.Join(home, "buckets")
	for _, folder := range append([]string{""}, buckets...) {
		path := filepath.Join(dir, folder)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		giveAway(t, path)
	}
	port := serve(t, home, program, []string{
		"--access", GatewayKey, "--secret", GatewaySecret, "--port", "127.0.0.1:{port}", "--quiet", "posix", dir,
	})
	return fmt.Sprintf("http://127.0.0.1:%d", port), dir
}
