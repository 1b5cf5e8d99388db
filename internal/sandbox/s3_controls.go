package sandbox

import "fmt"

// PutBucket makes a bucket exist, as CreateBucket does.
func (a *AWS) PutBucket(account, region, name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := checkBucketName(name); err != nil {
		return fmt.Errorf("bucket %s in %s of %s: %w", name, region, account, plain(err))
	}
	if b, taken := a.s3.buckets[name]; taken {
		return fmt.Errorf("bucket %s in %s of %s: there is one of this name in %s of %s already", name, region, account, b.region, b.account)
	}
	a.s3.buckets[name] = newBucket(place{account, region}, name, a.now())
	return nil
}

// PutLargeObject puts an object into a bucket whose bytes are made when they are
// read, so that it takes no room. They follow from the key and the size.
func (a *AWS) PutLargeObject(name, key string, size int64) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	b, ok := a.s3.buckets[name]
	if !ok {
		return fmt.Errorf("object %s of the bucket %s: there is no such bucket", key, name)
	}
	now := a.now()
	b.put(storedBy(b, key, madeOf(key, size), now), now, now)
	return nil
}
