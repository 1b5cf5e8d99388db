package rdb

import "bytes"

// slots is how many a cluster has.
const slots = 16384

// SlotOf gives the slot of a key in a cluster: CRC-16/XMODEM of what stands between the
// first { and the next }, or of the whole key if there is nothing
// (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/).
func SlotOf(key []byte) uint16 {
	if from := bytes.IndexByte(key, '{'); from >= 0 {
		if n := bytes.IndexByte(key[from+1:], '}'); n > 0 {
			key = key[from+1 : from+1+n]
		}
	}
	var crc uint16
	for _, c := range key {
		crc = crc<<8 ^ crc16[byte(crc>>8)^c]
	}
	return crc % slots
}

// crc16 is the table of the polynomial 0x1021.
var crc16 = makeCRC16() //nolint:gochecknoglobals // A constant that Go cannot write as one.

func makeCRC16() *[256]uint16 {
	t := new([256]uint16)
	for i := range t {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		t[i] = crc
	}
	return t
}
