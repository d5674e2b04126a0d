package history

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// release tells the kernel that data, a piece of the mapped file, need not stay
// in this process's memory: a scan of a whole province would otherwise count
// the whole file as its own. The pages stay in the kernel's cache, and reading
// data again maps them again.
func release(data []byte) {
	page := uintptr(os.Getpagesize())
	start := uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	ahead := int((page - start%page) % page)
	if n := (len(data) - ahead) / int(page) * int(page); n > 0 {
		_ = unix.Madvise(data[ahead:ahead+n], unix.MADV_DONTNEED) // only advice
	}
}
