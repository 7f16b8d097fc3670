package tokenizer

import "bytes"

// The rules that are not of the family of words.

// gpt2 is 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+.
func gpt2(t *classes, s []byte, i int) int {
	if s[i] == '\'' {
		if end := contraction(s, i, false); end > i {
			return end
		}
	}
	j := i
	if s[i] == ' ' {
		j++
	}
	switch c, _ := t.at(s, j); c {
	case letter:
		return t.run(s, j, letter)
	case number:
		return t.run(s, j, number)
	case space, 0:
		return plainSpaces(t, s, i)
	}
	return t.run(s, j, ^(letter | number | space))
}

// halvingSpaces is \s*[\r\n]+ | \s{512}(?!\S) | \s{256}(?!\S) | ... | \s{4}(?!\S) | \s{1,2}(?!\S) | \s.
func halvingSpaces(t *classes, s []byte, i int) int {
	end, newline, n := spaceRun(t, s, i)
	if newline > i {
		return newline
	}
	if n == 0 {
		return i
	}
	free := n // characters that no text follows
	if end < len(s) {
		free--
	}
	take := 1
	for k := 512; k >= 1; k /= 2 {
		if k <= free {
			take = k
			break
		}
	}
	for range take {
		_, size := t.at(s, i)
		i += size
	}
	return i
}

// spacedWords is the word of EXAONE: [^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+,
// words joined by single spaces. The rest is as in rest.
func spacedWords(rest rule) rule {
	return func(t *classes, s []byte, i int) int {
		if s[i] == '\'' {
			if end := contraction(s, i, true); end > i {
				return end
			}
		}
		c, n := t.at(s, i)
		j := i
		if c&(letter|number) == 0 && s[i] != '\r' && s[i] != '\n' {
			j += n
		}
		end := j
		for {
			k := end
			if k > j && k < len(s) && s[k] == ' ' {
				k++
			}
			c, n := t.at(s, k)
			if c != letter {
				break
			}
			end = t.run(s, k+n, mark)
		}
		if end > j {
			return end
		}
		return rest(t, s, i)
	}
}

// symbolWords is the rule of DeepSeek 3 and others:
//
//	[ASCII punctuation][A-Za-z]+ | [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+ |
//	" "?[\p{P}\p{S}]+[\r\n]* | \s*[\r\n]+ | \s+(?!\S) | \s+
//
// With lines set, punctuation takes no line breaks and each of those is a pre-token.
func symbolWords(lines bool) rule {
	return func(t *classes, s []byte, i int) int {
		c, n := t.at(s, i)
		if s[i] < 0x80 && c&(punct|symbol) != 0 {
			j := i + 1
			for j < len(s) && isASCIILetter(s[j]) {
				j++
			}
			if j > i+1 {
				return j
			}
		}
		if s[i] != '\r' && s[i] != '\n' && c&(punct|symbol) == 0 {
			j := i
			if c != letter {
				j += n
			}
			if end := t.run(s, j, letter|mark); end > j {
				return end
			}
			if c == mark {
				return i + n
			}
		}
		j := i
		if s[i] == ' ' {
			j++
		}
		if end := t.run(s, j, punct|symbol); end > j {
			if lines {
				return end
			}
			return tailRun(s, end, "\r\n", 0)
		}
		if lines {
			if s[i] == '\r' || s[i] == '\n' {
				return i + 1
			}
			return plainSpaces(t, s, i)
		}
		return newlineSpaces(t, s, i)
	}
}

func isASCIILetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// kimi is the rule of Kimi K2: runs of Han; words of letters that are not Han, with
// one character before and a contraction after; the rest as in words.
func kimi(rest rule) rule {
	word := func(t *classes, s []byte, i int) int {
		for i < len(s) {
			c, n := t.at(s, i)
			if c != letter {
				break
			}
			if r, _ := decodeRune(s, i); isHan(r) {
				break
			}
			i += n
		}
		return i
	}
	return func(t *classes, s []byte, i int) int {
		j := i
		for j < len(s) {
			r, n := decodeRune(s, j)
			if !isHan(r) {
				break
			}
			j += n
		}
		if j > i {
			return j
		}
		c, n := t.at(s, i)
		j = i
		if c&(letter|number) == 0 && s[i] != '\r' && s[i] != '\n' {
			j += n
		}
		if end := word(t, s, j); end > j {
			if end < len(s) && s[end] == '\'' {
				end = contraction(s, end, true)
			}
			return end
		}
		return rest(t, s, i)
	}
}

// isHan says whether r is in one of the CJK ideograph blocks.
func isHan(r rune) bool {
	switch {
	case r >= 0x4E00 && r <= 0x9FFF, r >= 0x3400 && r <= 0x4DBF, r >= 0xF900 && r <= 0xFAFF:
		return true
	case r >= 0x20000 && r <= 0x2A6DF, r >= 0x2A700 && r <= 0x2EBEF, r >= 0x2F800 && r <= 0x2FA1F:
		return true
	}
	return false
}

// thousands cuts a run of digits into threes, counted from its end. What is before a run is one
// piece with its first one to three digits, so that look-ahead in the next rule sees them.
func thousands(t *classes, s []byte, i int) int {
	if prev, _ := t.before(s, i); prev == number {
		if c, _ := t.at(s, i); c == number {
			return numberRun(t, s, i, 3) // in a run that was counted before
		}
	}
	first := t.run(s, i, ^number)
	n := 0
	for j := first; j < len(s); n++ {
		c, size := t.at(s, j)
		if c != number {
			break
		}
		j += size
	}
	if n > 0 {
		n = (n-1)%3 + 1
	}
	return numberRun(t, s, first, n)
}

// digitTriples is [0-9][0-9][0-9].
func digitTriples(_ *classes, s []byte, i int) int {
	if i+3 > len(s) {
		return i
	}
	for _, c := range s[i : i+3] {
		if !isDigit(c) {
			return i
		}
	}
	return i + 3
}

// beforeTriples cuts before (\d{3})+(?!\d): it matches from s[i] to the next
// place with a multiple of three ASCII digits up to the end of their run.
func beforeTriples(_ *classes, s []byte, i int) int {
	j := i
	if i > 0 && isDigit(s[i]) && isDigit(s[i-1]) {
		j += 3 // in a run that was counted before
		if j < len(s) && isDigit(s[j]) {
			return j
		}
	}
	for j < len(s) {
		n := 0
		for j+n < len(s) && isDigit(s[j+n]) {
			n++
		}
		switch first := n % 3; {
		case n == 0:
			j++
		case first > 0 && n > 3:
			return j + first
		case first > 0:
			j += n
		case j > i:
			return j
		case n > 3:
			return j + 3
		default:
			j += n
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// numbers is \p{N}{1,most}; 0 is no limit.
func numbers(most int) rule {
	return func(t *classes, s []byte, i int) int {
		if c, _ := t.at(s, i); c != number {
			return i
		}
		return numberRun(t, s, i, most)
	}
}

// classRun is PREFIX?[SET EXTRA]+ for one optional prefix: "" none, "s" white space.
func classRun(set class, extra, prefix string) rule {
	run := func(t *classes, s []byte, i int) int {
		for i < len(s) {
			c, n := t.at(s, i)
			if c&set == 0 && !indexByte(extra, s[i]) {
				break
			}
			i += n
		}
		return i
	}
	return func(t *classes, s []byte, i int) int {
		j := i
		if prefix != "" {
			if c, n := t.at(s, i); c == space {
				j += n
			}
		}
		if end := run(t, s, j); end > j {
			return end
		}
		return i
	}
}

// ranges is a set of ranges of code points, first and last, in ascending order. White
// space is never in it.
type ranges [][2]rune

// run is \s?[SET]+ or [SET]+.
func (set ranges) run(afterSpace bool) rule {
	return func(t *classes, s []byte, i int) int {
		j := i
		if afterSpace {
			if c, n := t.at(s, i); c == space {
				j += n
			}
		}
		end := j
		for end < len(s) {
			c, n := t.at(s, end)
			r, _ := decodeRune(s, end)
			if c == space || !set.has(r) {
				break
			}
			end += n
		}
		if end > j {
			return end
		}
		return i
	}
}

func (set ranges) has(r rune) bool {
	for len(set) > 0 {
		m := len(set) / 2
		switch {
		case r < set[m][0]:
			set = set[:m]
		case r > set[m][1]:
			set = set[m+1:]
		default:
			return true
		}
	}
	return false
}

// notRanges is " "?[^\sSET]+.
func notRanges(set ranges) rule {
	return func(t *classes, s []byte, i int) int {
		j := i
		if s[i] == ' ' {
			j++
		}
		end := j
		for end < len(s) {
			c, n := t.at(s, end)
			r, _ := decodeRune(s, end)
			if c == space || set.has(r) {
				break
			}
			end += n
		}
		if end > j {
			return end
		}
		return i
	}
}

// trailingSpaces is \s+$.
func trailingSpaces(t *classes, s []byte, i int) int {
	if prev, _ := t.before(s, i); prev == space {
		return i // the run was tried from its start
	}
	if end := t.run(s, i, space); end == len(s) {
		return end
	}
	return i
}

// firstOf tries rules in order.
func firstOf(rules ...rule) rule {
	return func(t *classes, s []byte, i int) int {
		for _, r := range rules {
			if end := r(t, s, i); end > i {
				return end
			}
		}
		return i
	}
}

// lineBreaks is [\r\n].
func lineBreaks(_ *classes, s []byte, i int) int {
	if s[i] == '\r' || s[i] == '\n' {
		return i + 1
	}
	return i
}

// newlineRuns is [^\n]+|\n+.
func newlineRuns(_ *classes, s []byte, i int) int {
	if s[i] == '\n' {
		for i < len(s) && s[i] == '\n' {
			i++
		}
		return i
	}
	if n := bytes.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}

// markedWords is \x{2581}?[^\x{2581}]*: a word begins at each mark for a space.
func markedWords(t *classes, s []byte, i int) int {
	_, n := t.at(s, i)
	if end := bytes.Index(s[i+n:], []byte(spaceMark)); end >= 0 {
		return i + n + end
	}
	return len(s)
}

// notSpaces is \S+.
func notSpaces(t *classes, s []byte, i int) int { return t.run(s, i, ^space) }

// sentinel is <sentinel:[0-9]+>.
func sentinel(_ *classes, s []byte, i int) int {
	const open = "<sentinel:"
	if !bytes.HasPrefix(s[i:], []byte(open)) {
		return i
	}
	j := i + len(open)
	first := j
	for j < len(s) && isDigit(s[j]) {
		j++
	}
	if j > first && j < len(s) && s[j] == '>' {
		return j + 1
	}
	return i
}

// imageCode is IMGIMG[A-I]{1,4}Z.
func imageCode(_ *classes, s []byte, i int) int {
	const open = "IMGIMG"
	if !bytes.HasPrefix(s[i:], []byte(open)) {
		return i
	}
	j := i + len(open)
	first := j
	for j < len(s) && j < first+4 && s[j] >= 'A' && s[j] <= 'I' {
		j++
	}
	if j > first && j < len(s) && s[j] == 'Z' {
		return j + 1
	}
	return i
}

// spacePairs is [\t\n]|"    "|"  ".
func spacePairs(_ *classes, s []byte, i int) int {
	switch {
	case s[i] == '\t' || s[i] == '\n':
		return i + 1
	case bytes.HasPrefix(s[i:], []byte("    ")):
		return i + 4
	case bytes.HasPrefix(s[i:], []byte("  ")):
		return i + 2
	}
	return i
}

// onePunct is [\p{P}!-/:-@\[-`{-~].
func onePunct(t *classes, s []byte, i int) int {
	if c, n := t.at(s, i); c == punct || s[i] < 0x80 && c == symbol {
		return i + n
	}
	return i
}
