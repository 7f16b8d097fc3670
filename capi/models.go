package main

// #include "hp_llm.h"
import "C"

import (
	"errors"
	"math"
	"strings"
	"time"

	"happyphonellm/internal/infer"
)

// progressEvery is how often hp_llm_load tells its progress.
const progressEvery = 20 * time.Millisecond

// pathOf copies a path of the caller.
func pathOf(p uintptr, size int64) (string, error) {
	path, err := text("path", p, size)
	switch {
	case err != nil:
		return "", err
	case path == "":
		return "", argument("the path is empty")
	case strings.ContainsRune(path, 0):
		return "", argument("the path has a 0 byte in it")
	}
	return path, nil
}

func sessionOptions(p uintptr) (infer.SessionOptions, error) {
	if p == 0 {
		return infer.SessionOptions{}, nil
	}
	o, err := in[C.hp_llm_session_options]("session options", p)
	if err != nil {
		return infer.SessionOptions{}, err
	}
	kinds := map[C.int32_t]infer.KVType{C.HP_LLM_KV_F16: infer.KVF16, C.HP_LLM_KV_F32: infer.KVF32, C.HP_LLM_KV_Q8_0: infer.KVQ8_0}
	kv, ok := kinds[o.kv_type]
	switch {
	case !ok:
		return infer.SessionOptions{}, argument("kv_type %d", int32(o.kv_type))
	case o.context < 0:
		return infer.SessionOptions{}, argument("context %d", int32(o.context))
	case o.batch < 0:
		return infer.SessionOptions{}, argument("batch %d", int32(o.batch))
	}
	return infer.SessionOptions{Context: int(o.context), Batch: int(o.batch), KV: kv}, nil
}

func modelInfo(d infer.Details, n infer.Need, threads int) C.hp_llm_model_info {
	fits := map[infer.Fit]C.int32_t{
		infer.FitUnknown: C.HP_LLM_FIT_UNKNOWN, infer.FitYes: C.HP_LLM_FIT_YES,
		infer.FitTight: C.HP_LLM_FIT_TIGHT, infer.FitNo: C.HP_LLM_FIT_NO,
	}
	count := func(n int) C.int32_t { return C.int32_t(min(n, math.MaxInt32)) }
	info := C.hp_llm_model_info{
		fit:                fits[n.Fit],
		file_bytes:         C.int64_t(d.Bytes),
		parameters:         C.int64_t(d.Parameters),
		memory_bytes:       C.int64_t(n.Working),
		kv_bytes_per_token: C.int64_t(n.KVPerToken),
		device_bytes:       C.int64_t(n.Device),
		available_bytes:    C.int64_t(n.Available),
		context_train:      count(d.Context),
		context:            count(n.Context),
		vocabulary:         count(d.Vocab),
		layers:             count(d.Layers),
		embedding:          count(d.Embd),
		threads:            count(threads),
		bos:                C.int32_t(d.BOS), eos: C.int32_t(d.EOS), eot: C.int32_t(d.EOT),
		has_vocabulary: flag(d.HasVocabulary), has_chat_template: flag(d.HasTemplate),
	}
	putText(info.architecture[:], strings.ToValidUTF8(d.Architecture, "\uFFFD"))
	putText(info.quantization[:], d.Quantization)
	putText(info.name[:], strings.ToValidUTF8(d.Name, "\uFFFD"))
	return info
}

//export hpgo_inspect
func hpgo_inspect(path uintptr, pathSize int64, options uintptr, info uintptr, e uintptr) int32 {
	return guard(e, func() error {
		name, err := pathOf(path, pathSize)
		if err != nil {
			return err
		}
		o, err := sessionOptions(options)
		if err != nil {
			return err
		}
		empty := infer.Details{BOS: -1, EOS: -1, EOT: -1}
		if err := out("info", info, modelInfo(empty, infer.Need{}, 0)); err != nil {
			return err
		}
		d, need, err := infer.Inspect(name, o)
		return errors.Join(fileError(err), out("info", info, modelInfo(d, need, infer.DefaultThreads())))
	})
}

// beginLoad starts a load and makes its handle.
func beginLoad(path uintptr, pathSize int64, options, handle uintptr) (*model, loadOptions, error) {
	var o loadOptions
	if err := needed("the model's pointer", handle); err != nil {
		return nil, o, err
	}
	*at[uint64](handle) = 0
	name, err := pathOf(path, pathSize)
	if err != nil {
		return nil, o, err
	}
	if options != 0 {
		if o, err = in[loadOptions]("load options", options); err != nil {
			return nil, o, err
		}
	}
	if o.threads < 0 || o.threads > infer.MaxThreads {
		return nil, o, argument("%d threads, want 1 to %d, or 0 for the default", o.threads, infer.MaxThreads)
	}
	m := &model{sessions: map[uint64]*session{}}
	m.load = infer.BeginLoad(name, infer.Options{Threads: int(o.threads), Log: logLine})
	h, err := table.Add(kindModel, m)
	if err != nil {
		m.close()
		return nil, o, err
	}
	*at[uint64](handle) = h
	return m, o, nil
}

//export hpgo_load
func hpgo_load(path uintptr, pathSize int64, options uintptr, handle uintptr, e uintptr) int32 {
	return guard(e, func() error {
		m, o, err := beginLoad(path, pathSize, options, handle)
		if err != nil {
			return err
		}
		h := *at[uint64](handle)
		progress := callback{o.progress, o.user}
		wait := infer.Forever
		if o.progress != 0 {
			wait = progressEvery
		}
		for err = infer.ErrPending; err == infer.ErrPending; {
			if o.progress != 0 && !progress.progress(m.load.Done()) {
				m.load.Cancel()
			}
			_, err = m.load.Poll(wait)
		}
		if err != nil {
			_ = free(h) // hp_llm_shutdown may have done it
			*at[uint64](handle) = 0
			return fileError(err)
		}
		if o.progress != 0 {
			progress.progress(1)
		}
		return nil
	})
}

//export hpgo_load_begin
func hpgo_load_begin(path uintptr, pathSize int64, options uintptr, handle uintptr, e uintptr) int32 {
	return guard(e, func() error {
		_, _, err := beginLoad(path, pathSize, options, handle)
		return err
	})
}

//export hpgo_load_poll
func hpgo_load_poll(handle uint64, timeoutMS int32, done uintptr, e uintptr) int32 {
	return guard(e, func() error {
		wait, err := timeout(timeoutMS)
		if err != nil {
			return err
		}
		m, err := findModel(handle)
		if err != nil {
			return err
		}
		_, err = m.load.Poll(wait)
		if done >= firstPage {
			*at[float64](done) = m.load.Done()
		}
		if err == infer.ErrPending {
			return err
		}
		return fileError(err)
	})
}

//export hpgo_model_info_get
func hpgo_model_info_get(handle uint64, info uintptr, e uintptr) int32 {
	return guard(e, func() error {
		return withEngine(handle, func(_ *model, engine *infer.Engine) error {
			need, err := engine.Need(infer.SessionOptions{})
			if err != nil {
				return err
			}
			return out("info", info, modelInfo(engine.Info(), need, engine.Threads()))
		})
	})
}
