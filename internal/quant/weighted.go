package quant

// weighted has the quantizers that can use importances. One row a type.
var weighted = [...]func(dst []byte, src, importance []float32){
	Q4_0:   weightedQ4_0,
	Q4_1:   weightedQ4_1,
	Q5_0:   weightedQ5_0,
	Q5_1:   weightedQ5_1,
	Q2_K:   weightedQ2_K,
	Q3_K:   weightedQ3_K,
	Q4_K:   weightedQ4_K,
	Q5_K:   weightedQ5_K,
	Q6_K:   weightedQ6_K,
	IQ4_NL: weightedIQ4_NL,
	IQ4_XS: weightedIQ4_XS,
	MXFP4:  weightedMXFP4,
}

// QuantizeRow quantizes one row. importance has a weight per element of the row
// (how much an error there matters), or is nil; types that round each value to
// the nearest ignore it. Lengths are as for Quantize, which must not be nil.
// Values must be finite.
func (f Format) QuantizeRow(dst []byte, src, importance []float32) {
	if importance != nil && int(f.Type) < len(weighted) && weighted[f.Type] != nil {
		weighted[f.Type](dst, src, importance[:len(src)])
		return
	}
	f.Quantize(dst, src)
}

func plain(quantize func(dst []byte, src, importance []float32)) func(dst []byte, src []float32) {
	return func(dst []byte, src []float32) { quantize(dst, src, nil) }
}
