package abitest

import (
	"testing"
	"time"
	"unsafe"
)

// FuzzCalls plays sequences of calls on a few handles, good and stale ones. Every
// call must return a status it may return, in time, and at the end the library
// must have forgotten everything.
func FuzzCalls(f *testing.F) {
	f.Add([]byte{0, 0, 2, 0, 5, 0, 6, 0, 6, 0, 9, 0})
	f.Add([]byte{0, 0, 2, 0, 5, 0, 7, 0, 5, 1, 6, 0, 8, 0, 10, 0})
	f.Add([]byte{1, 0, 3, 0, 7, 0, 2, 0, 9, 0, 11, 0, 0, 1, 2, 1, 4, 3})
	path := tinyModel(f, 64)
	f.Fuzz(func(t *testing.T, sequence []byte) {
		open(t)
		defer lib.shutdown(nil)
		begin := time.Now()
		watchdog := time.AfterFunc(time.Minute, func() { panic("a call hangs") })
		defer watchdog.Stop()
		var handles [4]uint64 // models at 0 and 1, sessions at 2 and 3; mixed up at times
		e := failure()
		p, n := bytesOf(path)
		text, textSize := bytesOf("some text")
		out, count := make([]int32, 64), int64(0)
		for i := 0; i+1 < min(len(sequence), 120); i += 2 {
			op, argument := sequence[i]%16, sequence[i+1]
			model, session := &handles[argument%2], &handles[2+argument/2%2]
			if argument&0x40 != 0 {
				model, session = session, model
			}
			var status int32
			switch op {
			case 0:
				status = lib.load(p, n, nil, ptr(model), ptr(e))
			case 1:
				status = lib.loadBegin(p, n, nil, ptr(model), ptr(e))
			case 2:
				o := &cSessionOptions{size: 16, context: int32(argument) * 2, nb: 16}
				status = lib.sessionCreate(*model, ptr(o), ptr(session), ptr(e))
			case 3:
				status = lib.loadPoll(*model, int32(argument%8)-2, nil, ptr(e))
			case 4:
				status = lib.sessionTruncate(*session, int64(int8(argument)), ptr(e))
			case 5:
				status = lib.start(*session, ptr(greedy("some text", int32(argument))), ptr(e))
			case 6:
				status = lib.next(*session, int32(argument%8), ptr(newEvent()), ptr(e))
			case 7:
				status = lib.stop(*session, ptr(e))
			case 8:
				status = lib.start(*session, nil, ptr(e))
			case 9:
				status = lib.free(*session, ptr(e))
			case 10:
				status = lib.free(*model, ptr(e))
			case 11:
				calls := 0
				_, status = generate(*session, greedy("abc", int32(argument%32)), e, func(*cEvent) int32 {
					calls++
					if calls == int(argument%7) {
						switch argument >> 5 {
						case 0:
							return 1
						case 1:
							lib.stop(*session, nil)
						case 2:
							lib.free(*session, nil)
						case 3:
							lib.free(*model, nil)
						case 4:
							lib.shutdown(nil)
						case 5:
							lib.sessionReset(*session, nil)
						}
					}
					return 0
				})
			case 12:
				status = lib.tokenize(*model, text, textSize-int64(argument%4), uint32(argument%8), ptr(&out[0]), int64(argument%16), ptr(&count), ptr(e))
			case 13:
				status = lib.stats(*session, ptr(&cStats{size: 96}), ptr(e))
			case 14:
				status = lib.sessionTokens(*session, ptr(&out[0]), int64(argument%64), ptr(&count), ptr(e))
			case 15:
				status = lib.modelInfo(*model, ptr(&cInfo{size: uint32(unsafe.Sizeof(cInfo{}))}), ptr(e))
			}
			switch status {
			case ok, pending, eArgument, eHandle, eBusy, eState, eBuffer, eVersion, eContext, eStopped:
			default:
				t.Fatalf("call %d, operation %d: status %d: %s", i/2, op, status, e.text())
			}
		}
		if d := time.Since(begin); d > 30*time.Second {
			t.Fatalf("the sequence took %v", d)
		}
		lib.shutdown(nil)
		for _, h := range handles {
			if status := lib.stop(h, nil); status != eHandle {
				t.Fatalf("handle %#x lives on after the end: %d", h, status)
			}
		}
	})
}
