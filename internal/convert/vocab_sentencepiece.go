package convert

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// sentencePiece is a SentencePiece model, as far as a conversion needs it.
type sentencePiece struct {
	pieces      []piecePiece
	unigram     bool // else its pieces are merged by their scores
	charsmap    []byte
	dummyPrefix bool
	squeeze     bool // runs of spaces count as one
}

// piecePiece is a token of a SentencePiece model. Its kinds have the numbers of GGUF's
// token types, but for 3, which is control in both, and 2, unknown.
type piecePiece struct {
	text  string
	score float32
	kind  int32
}

// field is one of a protobuf message: its number, and its value by its wire type.
type field struct {
	number int
	value  uint64 // of varints and fixed ones
	bytes  []byte // of strings and messages
}

var errProto = errors.New("this is no SentencePiece model, or it is cut short")

// eachField calls f for the fields of a protobuf message.
func eachField(b []byte, f func(field) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > math.MaxInt32 {
			return errProto
		}
		b = b[n:]
		x := field{number: int(tag >> 3)}
		switch tag & 7 {
		case 0:
			if x.value, n = binary.Uvarint(b); n <= 0 {
				return errProto
			}
		case 1:
			if n = 8; len(b) >= n {
				x.value = binary.LittleEndian.Uint64(b)
			}
		case 2:
			size, k := binary.Uvarint(b)
			if k <= 0 || size > uint64(len(b)-k) {
				return errProto
			}
			n = k + int(size)
			x.bytes = b[k:n]
		case 5:
			if n = 4; len(b) >= n {
				x.value = uint64(binary.LittleEndian.Uint32(b))
			}
		default:
			return errProto
		}
		if n > len(b) {
			return errProto
		}
		b = b[n:]
		if err := f(x); err != nil {
			return err
		}
	}
	return nil
}

// readModelProto parses a SentencePiece model: sentencepiece_model.proto of that project.
func readModelProto(data []byte) (*sentencePiece, error) {
	m := &sentencePiece{unigram: true, dummyPrefix: true, squeeze: true}
	err := eachField(data, func(f field) error {
		switch f.number {
		case 1:
			p := piecePiece{kind: tokenNormal}
			err := eachField(f.bytes, func(f field) error {
				switch f.number {
				case 1:
					p.text = string(f.bytes)
				case 2:
					p.score = math.Float32frombits(uint32(f.value))
				case 3:
					if f.value < 1 || f.value > 6 {
						return fmt.Errorf("piece %d is of type %d, which is not known", len(m.pieces), f.value)
					}
					p.kind = int32(f.value)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if len(m.pieces) == maxTokens {
				return fmt.Errorf("it has more than %d pieces", maxTokens)
			}
			m.pieces = append(m.pieces, p)
		case 2:
			return eachField(f.bytes, func(f field) error {
				if f.number == 3 { // model_type
					switch f.value {
					case 1, 2:
						m.unigram = f.value == 1
					default:
						return fmt.Errorf("it is of type %d; Unigram (1) and BPE (2) are known", f.value)
					}
				}
				return nil
			})
		case 3:
			return eachField(f.bytes, func(f field) error {
				switch f.number {
				case 2:
					m.charsmap = f.bytes
				case 3:
					m.dummyPrefix = f.value != 0
				case 4:
					m.squeeze = f.value != 0
				}
				return nil
			})
		}
		return nil
	})
	if err == nil && len(m.pieces) == 0 {
		err = errProto
	}
	if err != nil {
		return nil, err
	}
	for i, p := range m.pieces {
		if p.text == "" || !utf8.ValidString(p.text) || p.score != p.score {
			return nil, fmt.Errorf("piece %d, %s, has no text or no score", i, brief(p.text))
		}
	}
	return m, nil
}

// readSentencePiece reads a SentencePiece model, and the tokens added to it.
func (v *vocabulary) readSentencePiece(name string, data []byte) error {
	m, err := readModelProto(data)
	if err != nil {
		return fmt.Errorf("%s: %w", v.m.path(name), err)
	}
	n, err := v.size(len(m.pieces))
	if err != nil {
		return err
	}
	v.room(n)
	v.scores = slices.Repeat([]float32{-10000}, n)
	for i, p := range m.pieces[:min(n, len(m.pieces))] {
		v.tokens[i], v.scores[i], v.types[i] = p.text, p.score, p.kind
		if p.kind == tokenUser { // cut out of text before anything else
			v.tokens[i] = strings.ReplaceAll(p.text, "\u2581", " ")
			if looksSpecial(p.text) {
				v.types[i] = tokenControl
			}
		}
	}
	if err := v.overlay(); err != nil {
		return err
	}
	v.model, v.pre = "llama", "default"
	if !m.dummyPrefix {
		v.spacePrefix = &m.dummyPrefix
	}
	if v.rule.unigram || m.unigram && !slices.ContainsFunc(m.pieces, func(p piecePiece) bool { return p.kind == tokenByte }) {
		v.model = "t5"
		v.spacePrefix, v.squeeze = &m.dummyPrefix, &m.squeeze
		if len(m.charsmap) > 0 {
			v.charsmap = m.charsmap
		}
	}
	return nil
}

// overlay puts the tokens that were added to a SentencePiece model in their places:
// added_tokens.json's, then tokenizer_config.json's, then, where the class wants it,
// tokenizer.json's. Ids beyond the model's rows are left out.
func (v *vocabulary) overlay() error {
	old, err := v.m.fields("added_tokens.json")
	if err != nil {
		return err
	}
	for text, value := range old {
		id, ok := wholeNumber(value)
		if !ok || id < 0 {
			return fmt.Errorf("%s: token %s has no id", v.m.path("added_tokens.json"), brief(text))
		}
		if id < len(v.tokens) {
			v.put(id, text, tokenUser)
		}
	}
	if v.rule.unigram {
		return nil
	}
	added, err := addedTokens(v.config)
	if err != nil {
		return err
	}
	if v.rule.addedFromJSON && v.json != nil {
		for _, a := range v.json.Added {
			if a.ID >= 0 {
				added = append(added, a)
			}
		}
	}
	if len(added) == 0 && v.json != nil { // newer transformers list them here only
		v.overlayNew()
	}
	for _, a := range added {
		if a.ID < 0 || a.ID >= int64(len(v.tokens)) {
			continue
		}
		kind := int32(tokenUser)
		text := a.Content
		switch {
		case a.Special || !v.rule.addedFromJSON && looksSpecial(text):
			kind = tokenControl
		case !v.rule.addedFromJSON:
			text = strings.ReplaceAll(text, "\u2581", " ")
		}
		v.put(int(a.ID), text, kind)
	}
	return nil
}

// overlayNew adds the tokens of tokenizer.json that a SentencePiece model does not have
// or takes for text.
func (v *vocabulary) overlayNew() {
	for _, a := range v.json.Added {
		if a.ID < 0 || a.ID >= int64(len(v.tokens)) {
			continue
		}
		switch v.types[a.ID] {
		case tokenNormal, tokenUser:
			if a.Special {
				v.types[a.ID] = tokenControl
			}
		case tokenUnused:
			text, kind := v.json.addedForm(a)
			v.put(int(a.ID), text, kind)
		}
	}
}

// put sets a token that was added.
func (v *vocabulary) put(id int, text string, kind int32) {
	v.tokens[id], v.types[id], v.scores[id] = text, kind, -1000
}
