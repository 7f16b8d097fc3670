//go:build !purego

package kernels

import "golang.org/x/sys/unix"

// featureBF16 asks the system (macOS and iOS).
func featureBF16() bool {
	has, err := unix.SysctlUint32("hw.optional.arm.FEAT_BF16")
	return err == nil && has != 0
}
