package tokenizer

type latticeNode struct{}
type stubModel struct{}

func (stubModel) text(e *encoder, dst []int32, s []byte, _ bool) []int32 { return dst }
func newWPM(v *vocab) encoderModel                                       { return stubModel{} }
func newUGM(v *vocab) (encoderModel, error)                              { return stubModel{}, nil }
func newRWKV(v *vocab) encoderModel                                      { return stubModel{} }
func newPlamo(v *vocab) (encoderModel, error)                            { return stubModel{}, nil }
func appendUnescaped(dst, text []byte) []byte { return append(dst, text...) }
