package sandbox_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-dr/holdfast/internal/sandbox"
)

// signed gives an Authorization header of the right form.
func signed(key, region, service string) string {
	return "AWS4-HMAC-SHA256 Credential=" + key + "/20260101/" + region + "/" + service + "/aws4_request, SignedHeaders=host, Signature=abc"
}

// post sends a form as it is.
func post(t testing.TB, a *sandbox.AWS, authorization, form string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://sandbox.local/", strings.NewReader(form))
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := a.Client().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestWire(t *testing.T) {
	good := signed("test", east, "rds")
	for _, tc := range []struct {
		name, authorization, form string
		status                    int
		want                      string
	}{
		{"fine", good, "Action=DescribeDBInstances&Version=2014-10-31", 200, `<DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeDBInstancesResult><DBInstances></DBInstances></DescribeDBInstancesResult><ResponseMetadata><RequestId>`},
		{"no result element", good, "Action=DeleteDBSubnetGroup&Version=2014-10-31&DBSubnetGroupName=x", 404, `<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type><Code>DBSubnetGroupNotFoundFault</Code>`},
		{"not signed", "", "Action=DescribeDBInstances", 403, "<Code>MissingAuthenticationToken</Code>"},
		{"old signature", "AWS test:abc", "Action=DescribeDBInstances", 400, "<Code>IncompleteSignature</Code>"},
		{"half a signature", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/rds/aws4_request", "Action=DescribeDBInstances", 400, "<Code>IncompleteSignature</Code>"},
		{"bad scope", strings.Replace(good, "/20260101", "", 1), "Action=DescribeDBInstances", 400, "<Code>IncompleteSignature</Code>"},
		{"no action", good, "Version=2014-10-31", 400, "<Code>MissingAction</Code>"},
		{"unknown action", good, "Action=DescribeDBCheeses&Version=2014-10-31", 400, "<Code>InvalidAction</Code>"},
		{"part of an action", good, "Action=DBInstance&Version=2014-10-31", 400, "<Code>InvalidAction</Code>"},
		{"old version", good, "Action=DescribeDBInstances&Version=2013-01-01", 400, "<Code>InvalidAction</Code>"},
		{"known action", good, "Action=DescribeDBProxies&Version=2014-10-31", 400, "<Code>NotImplemented</Code><Message>The sandbox does not simulate rds:DescribeDBProxies."},
		{"unknown service", signed("test", east, "polly"), "Action=Speak", 400, "<Code>NotImplemented</Code>"},
		{"unknown parameter", good, "Action=DescribeDBInstances&Cheese=1", 400, "the parameter Cheese of DescribeDBInstances"},
		{"missing parameter", good, "Action=CreateDBSnapshot&DBSnapshotIdentifier=a", 400, "<Code>MissingParameter</Code>"},
		{"bad number", good, "Action=DescribeDBInstances&MaxRecords=many", 400, "<Code>MalformedInput</Code>"},
		{"bad boolean", good, "Action=DescribeDBSnapshots&IncludeShared=perhaps", 400, "<Code>MalformedInput</Code>"},
		{"not a form", good, "%zz", 400, "<Code>MissingAction</Code>"},
		{"escaped", good, "Action=DescribeDBSnapshots&DBSnapshotIdentifier=" + url.QueryEscape("<a>&"), 404, "DBSnapshot &lt;a&gt;&amp; not found."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, body := post(t, sandbox.New(sandbox.Options{}), tc.authorization, tc.form)
			if status != tc.status || !strings.Contains(body, tc.want) {
				t.Errorf("got %d %s\nwant %d %s", status, body, tc.status, tc.want)
			}
		})
	}
}

// What control answers is reached over the network only.
func TestControlSurface(t *testing.T) {
	a := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(a)
	defer server.Close()
	call := func(method, path, body, origin string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	before := a.Now()
	for _, tc := range []struct {
		method, path, body, origin string
		status                     int
		want                       string
	}{
		{"GET", "/", "", "", 200, "aws --endpoint-url http://127.0.0.1"},
		{"GET", "/_sandbox/health", "", "", 200, `"status": "ok"`},
		{"GET", "/_sandbox/calls", "", "", 200, "[]"},
		{"POST", "/_sandbox/advance?by=24h", "", "", 200, `"now"`},
		{"POST", "/_sandbox/advance?by=soon", "", "", 400, `"soon" is not a duration`},
		{"POST", "/_sandbox/faults", `{"kind":"fail","action":"DescribeDBInstances","code":"X","cheese":"5s"}`, "", 400, "unknown field"},
		{"POST", "/_sandbox/faults", `{"kind":"odd"}`, "", 400, `"odd" is none of`},
		{"POST", "/_sandbox/faults", `{"kind":"fail","action":"DescribeDBInstances","code":"Broken","stale-by":"5s"}`, "", 200, "Broken"},
		{"POST", "/_sandbox/advance?by=24h", "", "https://evil.example", 403, "own machine only"},
		{"GET", "/_sandbox/nothing", "", "", 404, ""},
	} {
		if status, body := call(tc.method, tc.path, tc.body, tc.origin); status != tc.status || !strings.Contains(body, tc.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", tc.method, tc.path, status, body, tc.status, tc.want)
		}
	}
	if moved := a.Now().Sub(before); moved < 24*time.Hour || moved > 25*time.Hour {
		t.Errorf("the clock moved by %s, want a day", moved)
	}
	if status, body := post(t, a, signed("test", east, "rds"), "Action=DescribeDBInstances"); status != 400 || !strings.Contains(body, "Broken") {
		t.Errorf("the posted fault did not strike: %d %s", status, body)
	}
	if _, body := call("GET", "/_sandbox/calls", "", ""); !strings.Contains(body, `"action": "DescribeDBInstances"`) {
		t.Errorf("calls: %s", body)
	}
}

func TestLostAnswerOverTheNetwork(t *testing.T) {
	a := sandbox.New(sandbox.Options{})
	server := httptest.NewServer(a)
	defer server.Close()
	a.Inject(sandbox.Fault{Kind: sandbox.Timeout, Times: 1})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader("Action=DescribeDBInstances"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", signed("test", east, "rds"))
	resp, err := http.DefaultClient.Do(r)
	if err == nil {
		resp.Body.Close()
		t.Fatal("the lost answer arrived")
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the connection to break off", err)
	}
	if calls := a.Calls(); len(calls) != 1 || calls[0].Code != sandbox.CodeTimeout {
		t.Errorf("calls: %v", calls)
	}
}

// FuzzWire sends anything: every answer is well-formed XML and never an internal
// error.
func FuzzWire(f *testing.F) {
	for _, form := range []string{
		"Action=DescribeDBSnapshots&MaxRecords=20&Marker=IiI=",
		"Action=CreateDBSnapshot&DBInstanceIdentifier=orders&DBSnapshotIdentifier=a&Tags.Tag.1.Key=k&Tags.Tag.1.Value=v",
		"Action=CopyDBSnapshot&SourceDBSnapshotIdentifier=arn:aws:rds:us-east-1:111111111111:snapshot:orders-before-migration&TargetDBSnapshotIdentifier=b&KmsKeyId=alias/x",
		"Action=ModifyDBInstance&DBInstanceIdentifier=orders&NewDBInstanceIdentifier=b&ApplyImmediately=true",
		"Action=AddTagsToResource&ResourceName=arn:aws:rds:us-east-1:111111111111:db:orders&Tags.member.2.Key=%00",
		"Action=DescribeDBInstances&Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=x",
		"Action=DescribeOptionGroups&OptionGroupName=default:mysql-8-0",
	} {
		f.Add("rds", form)
	}
	f.Add("sts", "Action=AssumeRole&RoleArn=arn:aws:iam::222222222222:role/x&RoleSessionName=abc&DurationSeconds=900")
	seed, err := sandbox.Builtin("small")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, service, form string) {
		a := sandbox.New(sandbox.Options{})
		if err := a.Seed(seed); err != nil {
			t.Fatal(err)
		}
		status, body := post(t, a, signed("test", east, service), form)
		if status >= 500 {
			t.Errorf("internal error: %s", body)
		}
		dec := xml.NewDecoder(strings.NewReader(body))
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("not XML: %v\n%s", err, body)
			}
		}
	})
}
