package store

import (
	"runtime"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestCloseWaitsForReaders closes the store while two audits are being read.
func TestCloseWaitsForReaders(t *testing.T) {
	s := fresh(t)
	if err := putAudit(s, sampleAudit(at(3))); err != nil {
		t.Fatal(err)
	}
	entered, closing, goOn := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var readers, closer sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			_, ok, err := s.audit(func(b *bolt.Bucket) []byte {
				entered <- struct{}{}
				<-goOn
				return b.Get(instantKey(at(3)))
			})
			if err != nil || !ok {
				t.Errorf("an audit read while the store closes: %v, %v", ok, err)
			}
		})
		<-entered
	}
	closer.Go(func() {
		close(closing)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	<-closing
	for range 1000 { // let Close come as far as it can
		runtime.Gosched()
	}
	close(goOn)
	readers.Wait()
	closer.Wait()
	if _, _, err := s.Audit(at(3)); err == nil {
		t.Error("a closed store answers")
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}
