package crc64

import "golang.org/x/sys/cpu"

func canFold() bool { return cpu.X86.HasPCLMULQDQ && cpu.X86.HasSSE2 }

// fold brings p, whose length is a multiple of 128, together to 16 bytes with the same
// checksum, given the checksum of what came before.
//
//go:noescape
func fold(out *[16]byte, crc uint64, p []byte, k *folding)
