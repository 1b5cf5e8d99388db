package rdbtest

import (
	"math"
	"strings"
)

// Long is longer than the short forms of every encoding, and compresses well.
const Long = half + half + half + half

const half = "a long value, a long value, a long value, "

// Samples gives small sound files, by name, that hold between them every type, opcode and
// encoding that is known.
func Samples() map[string][]byte {
	return map[string][]byte{
		"redis-5":    Redis5(),
		"redis-6":    redis6(),
		"redis-7.0":  redis70(),
		"redis-7.2":  redis72(),
		"redis-7.4":  redis74(),
		"redis-8.6":  redis86(),
		"redis-8.8":  redis88(),
		"redis-8.10": redis810(),
		"valkey-9":   valkey9(),
		"old":        old(),
		"empty":      New("REDIS0011").End(),
	}
}

// old is what Redis before 4.0 wrote.
func old() []byte {
	f := New("REDIS0006").Raw(254).Len(0)
	f.Raw(253).U32(2000000000).Key(0, "seconds").Str("x")
	f.Key(1, "list").Len(3).Str("a").Int(7).LZF(Long)
	f.Key(2, "set").Len(2).Str("m1").Int(-70000)
	f.Key(3, "zset").Len(4).Str("a").Text(1.5).Str("b").Text(math.Inf(1)).Str("c").Text(math.Inf(-1)).Str("d").Text(3)
	f.Key(4, "hash").Len(2).Str("f1").Str("v1").Str("f2").Int(300)
	f.Key(9, "zipmap").Str(Zipmap(2, "field", "value", "other", Long))
	f.Key(10, "ziplist").Str(Ziplist("a", 3, "", Long, -1, 1000, 100000, 1<<30, 1<<40, -(1 << 20)))
	f.Key(12, "zzl").Str(Ziplist("a", 1, "b", "2.5", "c", "inf"))
	f.Key(13, "hzl").LZF(Ziplist("field", "value", "long", Long))
	return f.End()
}

// Redis5 is what Redis 5 writes.
func Redis5() []byte {
	f := New("REDIS0009").Aux("redis-ver", "5.0.14").Aux("redis-bits", "64").Aux("lua", "return 1")
	f.Select(0, 6, 1)
	f.Raw(252).U64(1900000000123).Raw(248).Len(3600).Key(0, "str").Str("value")
	f.Raw(249, 5).Key(0, "int").Int(12345)
	f.Key(5, "zset2").Len(2).Str("a").Float(1.25).Str("b").Float(-3)
	f.Key(11, "ints").Str(Intset(2, -5, 1, 300))
	f.Key(14, "quick").Len(2).Str(Ziplist("a", "b")).LZF(Ziplist(Long, Long))
	f.Key(15, "stream")
	streamBody(f, 1)
	f.Select(3, 2, 0)
	f.Key(11, "ints4").Str(Intset(4, -70000, 70000))
	f.Key(11, "ints8").Str(Intset(8, -1<<40, 1<<40))
	return f.End()
}

// streamBody writes a stream with two entries, one of them with other fields, one deleted,
// and a group with two consumers.
func streamBody(f *File, form int) {
	f.Len(1).Node(
		1000, 0,
		2, 1, 2, "temp", "unit", 0, // two live, one deleted; two fields
		2, 0, 0, 20, "C", 5, // same fields
		3, 1, 0, 21, "C", 5, // deleted
		0, 2, 1, 1, "other", Long, 6, // other fields
	)
	f.Len(2).ID(1002, 1)
	if form >= 2 {
		f.ID(1000, 0).ID(1001, 0).Len(3)
	}
	f.Len(1).Str("group").ID(1002, 1)
	if form >= 2 {
		f.Len(3)
	}
	f.Len(2).RawID(1000, 0).U64(1700000000000).Len(1).RawID(1002, 1).U64(1700000000001).Len(2)
	f.Len(2)
	for i, name := range []string{"alice", "bob"} {
		f.Str(name).U64(1700000000002)
		if form >= 3 {
			f.U64(1700000000003)
		}
		if form >= 5 && i == 1 {
			f.Len(0)
			continue
		}
		f.Len(1).RawID(1000+2*uint64(i), uint64(i))
	}
	if form >= 5 {
		f.Len(1).RawID(1002, 1)
	}
	if form >= 4 {
		f.ID(100, 100).Len(1).Str("producer").Len(1).Str("iid").ID(1000, 0).ID(3, 1)
	}
}

// moduleID is the number of the module type "testtype0", version 1: nine letters of six bits.
func moduleID() uint64 {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var id uint64
	for _, c := range "testtype0" {
		id = id<<6 | uint64(strings.IndexRune(letters, c))
	}
	return id<<10 | 1
}

func moduleParts(f *File) {
	f.Len(2).Len(7).Len(1).Len(1 << 40).Len(3).U32(math.Float32bits(1.5)).Len(4).Float(2.5).Len(5).Str("text").Len(0)
}

func redis6() []byte {
	f := New("REDIS0009").Aux("redis-ver", "6.2.14")
	f.Raw(247).Len(moduleID()).Len(2).Len(1)
	moduleParts(f)
	f.Select(0, 3, 0)
	f.Key(7, "module").Len(moduleID())
	moduleParts(f)
	f.Key(13, "hash").Str(Ziplist("a", 1, "b", 2))
	f.Raw(0).LZF(strings.Repeat("key", 20)).LZF(Long)
	return f.End()
}

func redis70() []byte {
	f := New("REDIS0010").Aux("redis-ver", "7.0.15").Raw(245).Str("#!lua name=mylib\nredis.register_function('f', function() return 1 end)")
	f.Select(0, 5, 0)
	f.Key(16, "hash").Str(Listpack("f", "v", "n", 4095, "long", Long))
	f.Key(17, "zset").Str(Listpack("a", -1, "b", "2.5", "c", 100000))
	f.Key(18, "list").Len(2).Len(2).Str(Listpack("a", 1<<20, -(1 << 30), 1<<40, "", -1)).Len(1).Str("plain")
	f.Key(18, "list2").Len(1).Len(2).LZF(Listpack(Long, Long, strings.Repeat("z", 5000)))
	f.Key(19, "stream")
	streamBody(f, 2)
	return f.End()
}

func redis72() []byte {
	f := New("REDIS0011").Aux("redis-ver", "7.2.5").Select(0, 2, 0)
	f.Key(20, "set").Str(Listpack("a", "b", 7))
	f.Key(21, "stream")
	streamBody(f, 3)
	return f.End()
}

func redis74() []byte {
	f := New("REDIS0012").Aux("redis-ver", "7.4.1").Select(0, 4, 0).Raw(244).Len(12).Len(4).Len(0)
	f.Key(24, "hash").U64(1900000000000).Len(2).Len(1).Str("soon").Str("v").Len(0).Str("never").Str("v")
	f.Key(25, "hash-lp").U64(1900000000000).Str(Listpack("soon", "v", 1900000000000, "never", "v", 0))
	f.Key(22, "hash-rc").Len(1).Len(1900000000000).Str("f").Str("v")
	f.Key(23, "hash-lp-rc").Str(Listpack("f", "v", 1900000000000))
	return f.End()
}

func redis86() []byte {
	f := New("REDIS0013").Aux("redis-ver", "8.6.0").Select(0, 2, 1)
	f.Raw(252).U64(1900000000000).Raw(243).Len(1).U32(99)
	moduleParts(f)
	f.Key(0, "meta").Str("v")
	f.Key(26, "stream")
	streamBody(f, 4)
	return f.End()
}

func redis88() []byte {
	f := New("REDIS0014").Aux("redis-ver", "8.8.0").Select(0, 2, 0)
	f.Key(27, "stream")
	streamBody(f, 5)
	f.Key(28, "array").Len(4).Len(1).Len(9)
	f.Len(0).Len(0).Str("text").Len(1).Len(1).U64(5).Len(3).Len(2).Float(0.5).Len(8).Len(3).Str("small")
	return f.End()
}

func redis810() []byte {
	f := New("REDIS0015").Aux("redis-ver", "8.10.0")
	f.Raw(242).Len(0).Len(2).Str("name").Str("email")
	f.Select(0, 5, 0)
	f.Key(30, "ref").Str(Listpack(0, "Ann", "ann@example.com"))
	f.Key(32, "arrayref").Len(0).Str("Bob").Str("bob@example.com")
	f.Key(29, "own").Raw(0).Str(Listpack("name", "email")).Str(Listpack(0, "Ann", "ann@example.com"))
	f.Key(31, "ownarray").Raw(1).Len(2).Str("name").Str("email").Str("Ann").Str("ann@example.com")
	f.Key(29, "own2").Raw(1).Len(1).Int(12).Str(Listpack(0, "Ann"))
	return f.End()
}

func valkey9() []byte {
	f := New("VALKEY080").Aux("valkey-ver", "9.0.0")
	f.Raw(243).Str(strings.Repeat("j", 40)).Len(1).ID(0, 5)
	f.Select(0, 2, 0).Raw(244).Len(1).Len(2).Len(0)
	f.Key(22, "hash").Len(2).Str("soon").Str("v").U64(1900000000000).Str("never").Str("v").U64(math.MaxUint64)
	f.Key(0, "s").Str("v")
	return f.End()
}
