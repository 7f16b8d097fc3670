package checkpoint

import (
	"errors"
	"fmt"
)

// name is a thing of Python that a pickle may name: MODULE.NAME.
type name string

// dtypes are the classes of storages and the types that a pickle may name.
var dtypes = map[name]Type{
	"torch.DoubleStorage":   F64,
	"torch.FloatStorage":    F32,
	"torch.HalfStorage":     F16,
	"torch.BFloat16Storage": BF16,
	"torch.LongStorage":     I64,
	"torch.IntStorage":      I32,
	"torch.ShortStorage":    I16,
	"torch.CharStorage":     I8,
	"torch.ByteStorage":     U8,
	"torch.BoolStorage":     Bool,

	// Types that came later have no class of their own: their bytes, and the type of the tensor.
	"torch.storage.UntypedStorage": U8,
	"torch.UntypedStorage":         U8,

	"torch.float64":        F64,
	"torch.float32":        F32,
	"torch.float16":        F16,
	"torch.bfloat16":       BF16,
	"torch.float8_e4m3fn":  F8E4M3,
	"torch.float8_e5m2":    F8E5M2,
	"torch.float8_e8m0fnu": F8E8M0,
	"torch.int64":          I64,
	"torch.int32":          I32,
	"torch.int16":          I16,
	"torch.int8":           I8,
	"torch.uint64":         U64,
	"torch.uint32":         U32,
	"torch.uint16":         U16,
	"torch.uint8":          U8,
	"torch.bool":           Bool,
}

// callables are what a pickle may call.
var callables = map[name]func(args tuple) (any, error){
	"torch._utils._rebuild_tensor":    func(args tuple) (any, error) { return rebuilt(args, 4) },
	"torch._utils._rebuild_tensor_v2": rebuiltV2,
	"torch._utils._rebuild_tensor_v3": rebuiltV3,
	"torch._utils._rebuild_parameter": parameter,
	"torch.nn.parameter.Parameter":    parameter,
	"collections.OrderedDict":         orderedDict,
	"torch.Size":                      size,
	"torch.device":                    func(tuple) (any, error) { return nil, nil },
}

func (n name) known() bool { return dtypes[n] != "" || callables[n] != nil }

func (n name) call(args tuple) (any, error) {
	if call := callables[n]; call != nil {
		return call(args)
	}
	return nil, errors.New("this is nothing to be called")
}

// storage is the memory of tensors, or a view of it.
type storage struct {
	dtype  Type
	key    string
	numel  int64 // elements of dtype, in all of the memory
	first  int64 // element at which the view begins
	memory *memory
}

// memory is a part of the file.
type memory struct {
	offset, bytes int64
	numel         int64 // in old files, what was said of it
	dtype         Type
	located       bool
}

// pickled is a tensor as a pickle describes it.
type pickled struct {
	storage *storage
	dtype   Type
	first   int64   // element of the storage
	shape   []int64 // not checked yet, as strides are not
	strides []int64
}

// rebuilt makes a tensor of its storage, offset, shape and strides.
func rebuilt(args tuple, least int) (*pickled, error) {
	if len(args) < least {
		return nil, fmt.Errorf("%d arguments", len(args))
	}
	p := &pickled{}
	var ok [4]bool
	p.storage, ok[0] = args[0].(*storage)
	p.first, ok[1] = args[1].(int64)
	p.shape, ok[2] = integers(args[2])
	p.strides, ok[3] = integers(args[3])
	if ok != [4]bool{true, true, true, true} {
		return nil, errors.New("arguments are not a storage, an offset, a shape and strides")
	}
	p.dtype = p.storage.dtype
	return p, nil
}

// rebuiltV2: storage, offset, shape, strides, requires_grad, hooks, and perhaps properties.
func rebuiltV2(args tuple) (any, error) {
	p, err := rebuilt(args, 6)
	if err != nil {
		return nil, err
	}
	return p, properties(args[6:])
}

// rebuiltV3 has the type after the hooks.
func rebuiltV3(args tuple) (any, error) {
	p, err := rebuilt(args, 7)
	if err != nil {
		return nil, err
	}
	n, _ := args[6].(name)
	if p.dtype = dtypes[n]; p.dtype == "" {
		return nil, fmt.Errorf("%s in place of a type", describe(args[6]))
	}
	return p, properties(args[7:])
}

// properties refuses tensors whose numbers are to be negated or conjugated.
func properties(args tuple) error {
	for _, a := range args {
		if d, ok := a.(*dict); a != nil && (!ok || len(d.keys) > 0) {
			return errors.New("the tensor has properties, which are not known")
		}
	}
	return nil
}

// parameter is a tensor with two remarks about its training.
func parameter(args tuple) (any, error) {
	if len(args) > 0 {
		if p, ok := args[0].(*pickled); ok {
			return p, nil
		}
	}
	return nil, errors.New("its first argument is no tensor")
}

// orderedDict is of nothing, or of a list of pairs.
func orderedDict(args tuple) (any, error) {
	d := &dict{}
	if len(args) == 0 {
		return d, nil
	}
	pairs, ok := args[0].(*list)
	if !ok || len(args) > 1 {
		return nil, errors.New("its argument is no list")
	}
	for _, v := range pairs.items {
		key, value, ok := pair(v)
		if !ok {
			return nil, errors.New("an item is no pair")
		}
		d.keys, d.values = append(d.keys, key), append(d.values, value)
	}
	return d, nil
}

func pair(v any) (key, value any, ok bool) {
	switch v := v.(type) {
	case tuple:
		if len(v) == 2 {
			return v[0], v[1], true
		}
	case *list:
		if len(v.items) == 2 {
			return v.items[0], v.items[1], true
		}
	}
	return nil, nil, false
}

func size(args tuple) (any, error) {
	if len(args) == 1 {
		switch v := args[0].(type) {
		case tuple:
			return v, nil
		case *list:
			return tuple(v.items), nil
		}
	}
	return nil, errors.New("its argument is no tuple")
}

// integers is a tuple or list of whole numbers.
func integers(v any) ([]int64, bool) {
	var items []any
	switch v := v.(type) {
	case tuple:
		items = v
	case *list:
		items = v.items
	default:
		return nil, false
	}
	out := make([]int64, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}

// storageOf reads a persistent id: ("storage", class, key, device, elements), and
// perhaps a view: its key, offset and elements.
func storageOf(id tuple) (*storage, error) {
	wrong := errors.New("pickle: a persistent id that is no storage of torch's")
	if len(id) < 5 || id[0] != "storage" {
		return nil, wrong
	}
	class, ok1 := id[1].(name)
	key, ok2 := id[2].(string)
	numel, ok3 := id[4].(int64)
	dtype := dtypes[class]
	if !ok1 || !ok2 || !ok3 || dtype == "" || numel < 0 {
		return nil, wrong
	}
	s := &storage{dtype: dtype, key: key, numel: numel}
	if len(id) > 5 && id[5] != nil {
		view, ok := id[5].(tuple)
		if !ok || len(view) != 3 {
			return nil, wrong
		}
		first, ok1 := view[1].(int64)
		elements, ok2 := view[2].(int64)
		if !ok1 || !ok2 || first < 0 || elements < 0 || first > numel-elements {
			return nil, wrong
		}
		s.first = first
	}
	return s, nil
}
