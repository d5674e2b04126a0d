// Package cloud names the things an account holds and what is measured of
// them: Resource, Kind, InstanceType, Catalog, Inventory, Metric, Series,
// Window.
//
// It is vocabulary: values without behaviour beyond validation, ordering and
// conversion. It knows no vendor, no file and no clock.
//
// # Conventions
//
//   - Missing is not zero. A field of the zero value means "the source did not
//     say"; a metric without samples has no Series, never a Series of zeros.
//   - Times are UTC instants. A zero time.Time means unknown.
//   - Sizes are whole vCPU, GiB of memory and GiB of storage; rates are bit/s
//     for networks and Byte/s for disks, as Alibaba CloudMonitor gives them.
package cloud
