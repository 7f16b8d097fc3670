package main

// #include "abi.h"
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
func pathOf(p *C.hp_const_char, size C.int64_t) (string, error) {
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

func sessionOptions(p *C.hp_const_session_options) (infer.SessionOptions, error) {
	if p == nil {
		return infer.SessionOptions{}, nil
	}
	o, err := in("session options", (*C.hp_llm_session_options)(p))
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

//export hp_llm_inspect
func hp_llm_inspect(path *C.hp_const_char, pathSize C.int64_t, options *C.hp_const_session_options, info *C.hp_llm_model_info, e *C.hp_llm_error) C.int32_t {
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
func beginLoad(path *C.hp_const_char, pathSize C.int64_t, options *C.hp_const_load_options, handle *C.hp_llm_model) (*model, C.hp_llm_load_options, error) {
	var o C.hp_llm_load_options
	if err := needed("the model's pointer", handle); err != nil {
		return nil, o, err
	}
	*handle = 0
	name, err := pathOf(path, pathSize)
	if err != nil {
		return nil, o, err
	}
	if options != nil {
		if o, err = in("load options", (*C.hp_llm_load_options)(options)); err != nil {
			return nil, o, err
		}
	}
	if o.threads < 0 || o.threads > infer.MaxThreads {
		return nil, o, argument("%d threads, want 1 to %d, or 0 for the default", int32(o.threads), infer.MaxThreads)
	}
	m := &model{sessions: map[uint64]*session{}}
	m.load = infer.BeginLoad(name, infer.Options{Threads: int(o.threads), Log: logLine})
	h, err := table.Add(kindModel, m)
	if err != nil {
		m.close()
		return nil, o, err
	}
	*handle = C.hp_llm_model(h)
	return m, o, nil
}

//export hp_llm_load
func hp_llm_load(path *C.hp_const_char, pathSize C.int64_t, options *C.hp_const_load_options, handle *C.hp_llm_model, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error {
		var h C.hp_llm_model
		if err := needed("the model's pointer", handle); err != nil {
			return err
		}
		*handle = 0
		m, o, err := beginLoad(path, pathSize, options, &h)
		if err != nil {
			return err
		}
		for {
			wait := infer.Forever
			if o.progress != nil {
				wait = progressEvery
				if !callProgress(o.progress, o.progress_user, m.load.Done()) {
					m.load.Cancel()
				}
			}
			_, err = m.load.Poll(wait)
			if err != infer.ErrPending {
				break
			}
		}
		if err == nil && o.progress != nil {
			callProgress(o.progress, o.progress_user, 1)
		}
		if err != nil {
			_ = free(uint64(h)) // hp_llm_shutdown may have done it
			return fileError(err)
		}
		*handle = h
		return nil
	})
}

//export hp_llm_load_begin
func hp_llm_load_begin(path *C.hp_const_char, pathSize C.int64_t, options *C.hp_const_load_options, handle *C.hp_llm_model, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error {
		_, _, err := beginLoad(path, pathSize, options, handle)
		return err
	})
}

//export hp_llm_load_poll
func hp_llm_load_poll(handle C.hp_llm_model, timeoutMS C.int32_t, done *C.double, e *C.hp_llm_error) C.int32_t {
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
		if done != nil {
			*done = C.double(m.load.Done())
		}
		if err == infer.ErrPending {
			return err
		}
		return fileError(err)
	})
}

//export hp_llm_model_info_get
func hp_llm_model_info_get(handle C.hp_llm_model, info *C.hp_llm_model_info, e *C.hp_llm_error) C.int32_t {
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
