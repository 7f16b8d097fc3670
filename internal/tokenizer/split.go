package tokenizer

// A rule finds one pre-token: it returns where the match that starts at s[i]
// ends, or i when there is none. s is one segment: to a rule its end is the end
// of the text, which is what look-ahead sees.
//
// The rules are hand-written equivalents of the regular expressions that models
// publish, as llama.cpp reads them; each takes time linear in its match, or in
// what it leaves to the next rule to match.
type rule func(t *classes, s []byte, i int) int

// splitter cuts text into words by rules: the first over all of the text, each next
// one over each piece of the one before. What no match covers is a piece too.
type splitter struct {
	classes
	rules []rule
	emit  func(word []byte) // called for every piece of the last rule, in order
}

func (x *splitter) split(s []byte) { x.level(0, s) }

func (x *splitter) level(k int, s []byte) {
	if k == len(x.rules) {
		x.emit(s)
		return
	}
	find := x.rules[k]
	gap := 0 // start of what is not matched yet
	for i := 0; i < len(s); {
		end := find(&x.classes, s, i)
		if end <= i {
			_, n := x.at(s, i)
			i += n
			continue
		}
		if gap < i {
			x.level(k+1, s[gap:i])
		}
		x.level(k+1, s[i:end])
		i, gap = end, end
	}
	if gap < len(s) {
		x.level(k+1, s[gap:])
	}
}

// words is the family of rules that most models use, an alternation of, in order,
//
//	'(s|t|re|ve|m|ll|d)                      contraction
//	[^\r\n\p{L}\p{N}]?LETTERS+ [SUFFIX]       a word with one character before it
//	\p{N}{1,DIGITS}
//	" "?[^\s\p{L}\p{N}]+TAIL*                punctuation
//	\s*[\r\n]+ | \s+(?!\S) | \s+
type words struct {
	contraction bool  // split off as a pre-token, in either case
	suffix      bool  // a contraction belongs to the word before it
	caps        bool  // words end before a capital: UPPER*LOWER+ | UPPER+LOWER*
	letters     class // what words are made of
	joiners     bool  // U+200C and U+200D are letters too
	digits      int   // longest number; 0: any
	notPunct    class // beside white space, what is no punctuation
	tail        string
	tailMax     int // 0: any
	spaces      func(t *classes, s []byte, i int) int
}

// rule returns the rule of w.
func (w words) rule() rule {
	return func(t *classes, s []byte, i int) int {
		c, n := t.at(s, i)
		if w.contraction && s[i] == '\'' {
			if end := contraction(s, i, true); end > i {
				return end
			}
		}
		if c != number && s[i] != '\r' && s[i] != '\n' {
			if end := w.word(t, s, i, c, n); end > i {
				return end
			}
		}
		if c == number {
			return numberRun(t, s, i, w.digits)
		}
		if end := w.punctuation(t, s, i, c, n); end > i {
			return end
		}
		return w.spaces(t, s, i)
	}
}

// word matches the word alternative at s[i], a character of class c and n bytes
// that is no number and no line break.
func (w *words) word(t *classes, s []byte, i int, c class, n int) int {
	end := i
	switch {
	case w.caps:
		end = w.capsWord(t, s, i, c, n)
	case c&w.letters != 0:
		end = w.letterRun(t, s, i+n)
	default:
		if end = w.letterRun(t, s, i+n); end == i+n {
			if end = w.letterRun(t, s, i); end == i {
				return i
			}
		}
	}
	if w.suffix && end > i && end < len(s) && s[end] == '\'' {
		end = contraction(s, end, true)
	}
	return end
}

func (w *words) letterRun(t *classes, s []byte, i int) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&w.letters == 0 && !(w.joiners && isJoiner(s, i)) {
			break
		}
		i += n
	}
	return i
}

// capsWord matches P?U*L+ or else P?U+L*, where P is any character that is no
// letter, U is a letter but a-z and L is a letter but A-Z: outside ASCII a
// letter is both.
func (w *words) capsWord(t *classes, s []byte, i int, c class, n int) int {
	starts := [2]int{i, i}
	if c&letter == 0 {
		starts[0] = i + n
	}
	for _, j := range starts {
		if end := w.lowerWord(t, s, j); end > j {
			return end
		}
	}
	for _, j := range starts {
		if end := w.upperRun(t, s, j); end > j {
			return w.lowerRun(t, s, end)
		}
	}
	return i
}

// lowerWord matches U*L+ at s[i], with the U* as long as it can be.
func (w *words) lowerWord(t *classes, s []byte, i int) int {
	upper := w.upperRun(t, s, i)
	if end := w.lowerRun(t, s, upper); end > upper {
		return end
	}
	// L+ has to take back a character that is both: the last of them.
	last := i
	for j := i; j < upper; {
		_, n := t.at(s, j)
		if s[j] >= 0x80 {
			last = j + n
		}
		j += n
	}
	return last
}

func (w *words) upperRun(t *classes, s []byte, i int) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&w.letters == 0 || s[i] >= 'a' && s[i] <= 'z' {
			break
		}
		i += n
	}
	return i
}

func (w *words) lowerRun(t *classes, s []byte, i int) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&w.letters == 0 || s[i] >= 'A' && s[i] <= 'Z' {
			break
		}
		i += n
	}
	return i
}

// punctuation matches " "?[^\s...]+TAIL* at s[i].
func (w *words) punctuation(t *classes, s []byte, i int, c class, n int) int {
	j := i
	if s[i] == ' ' {
		j = i + n
	}
	end := t.run(s, j, ^(space | w.notPunct))
	if end == j {
		return i
	}
	return tailRun(s, end, w.tail, w.tailMax)
}

// tailRun returns the end of the run of bytes of set from s[i], at most most of
// them if most is not 0.
func tailRun(s []byte, i int, set string, most int) int {
	for stop := i + most; i < len(s) && (most == 0 || i < stop) && indexByte(set, s[i]); i++ {
	}
	return i
}

func indexByte(set string, b byte) bool {
	for i := range len(set) {
		if set[i] == b {
			return true
		}
	}
	return false
}

// contraction returns the end of 's 't 're 've 'm 'll 'd at s[i], a quote, or i.
func contraction(s []byte, i int, anyCase bool) int {
	at := func(j int) byte {
		if j >= len(s) {
			return 0
		}
		if c := s[j]; !anyCase || c < 'A' || c > 'Z' {
			return c
		}
		return s[j] | 0x20
	}
	switch at(i + 1) {
	case 's', 't', 'm', 'd':
		return i + 2
	case 'r', 'v':
		if at(i+2) == 'e' {
			return i + 3
		}
	case 'l':
		if at(i+2) == 'l' {
			return i + 3
		}
	}
	return i
}

// numberRun returns the end of \p{N}{1,most} at s[i]; most 0 is no limit.
func numberRun(t *classes, s []byte, i, most int) int {
	if most == 0 {
		return t.run(s, i, number)
	}
	for range most {
		c, n := t.at(s, i)
		if c != number {
			break
		}
		i += n
	}
	return i
}

// newlineSpaces matches \s*[\r\n]+ | \s+(?!\S) | \s+ (or \s*[\r\n], which is the
// same: the \s* takes all line breaks but the last).
func newlineSpaces(t *classes, s []byte, i int) int {
	end, last, _ := spaceRun(t, s, i)
	if last > i {
		return last
	}
	return beforeWord(t, s, i, end)
}

// plainSpaces matches \s+(?!\S) | \s+.
func plainSpaces(t *classes, s []byte, i int) int {
	end, _, _ := spaceRun(t, s, i)
	return beforeWord(t, s, i, end)
}

// spaceRun returns the end of the white space from s[i], the end of its last line
// break (i: none) and its length in characters.
func spaceRun(t *classes, s []byte, i int) (end, newline, count int) {
	end, newline = i, i
	for end < len(s) {
		c, n := t.at(s, end)
		if c != space {
			break
		}
		if s[end] == '\r' || s[end] == '\n' {
			newline = end + n
		}
		end += n
		count++
	}
	return end, newline, count
}

// beforeWord ends the white space s[i:end] one character earlier when text
// follows, unless it is one character only.
func beforeWord(t *classes, s []byte, i, end int) int {
	if end == len(s) || end == i {
		return end
	}
	last := end - 1
	for last > i && s[last]&0xC0 == 0x80 {
		last--
	}
	if last > i {
		return last
	}
	return end
}

func isJoiner(s []byte, i int) bool {
	return i+2 < len(s) && s[i] == 0xE2 && s[i+1] == 0x80 && (s[i+2] == 0x8C || s[i+2] == 0x8D)
}
