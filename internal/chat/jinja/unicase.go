package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// upper is str.upper with the mappings to several letters, as in "ß" to "SS".
func upper(s string) string {
	var b strings.Builder
	for _, c := range s {
		if sp, ok := specialCase[c]; ok {
			b.WriteString(sp[0])
		} else {
			b.WriteRune(unicode.ToUpper(c))
		}
	}
	return b.String()
}

// lower is str.lower: sigma at the end of a word and the dotted I have rules of their own.
func lower(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	if ascii {
		return strings.ToLower(s)
	}
	var b strings.Builder
	for i, c := range s {
		b.WriteString(lowerAt(s, i, c))
	}
	return b.String()
}

// lowerAt is the lower case of c, which stands at byte i of s.
func lowerAt(s string, i int, c rune) string {
	switch {
	case c == 'İ':
		return "i̇"
	case c == 'Σ' && finalSigma(s, i):
		return "ς"
	}
	return string(unicode.ToLower(c))
}

// finalSigma is Unicode's condition Final_Sigma for the sigma at byte i: a letter with case before it, none after
// it, not counting what case ignores.
func finalSigma(s string, i int) bool {
	ignorable := func(c rune) bool {
		return unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune("'.:·’‘․", c)
	}
	isCased := func(c rune) bool {
		return unicode.In(c, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
	}
	before := strings.TrimRightFunc(s[:i], ignorable)
	after := strings.TrimLeftFunc(s[i+len("Σ"):], ignorable)
	b, _ := utf8.DecodeLastRuneInString(before)
	a, _ := utf8.DecodeRuneInString(after)
	return before != "" && isCased(b) && (after == "" || !isCased(a))
}

// titleOne is the first letter in title case.
func titleOne(c rune) string {
	if sp, ok := specialCase[c]; ok {
		return sp[1]
	}
	return string(unicode.ToTitle(c))
}

func capitalize(s string) string {
	c, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return titleOne(c) + lower(s)[len(lower(s[:n])):]
}

// titleWords is the title filter: an upper-case letter behind the start, spaces and - ( { [ <, the rest lower.
func titleWords(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		sep := func(c rune) bool { return isSpace(c) || strings.ContainsRune("-({[<", c) }
		n := strings.IndexFunc(s, sep)
		if n == 0 {
			n = len(s) - len(strings.TrimLeftFunc(s, sep))
			b.WriteString(s[:n])
			s = s[n:]
			continue
		}
		if n < 0 {
			n = len(s)
		}
		_, k := utf8.DecodeRuneInString(s)
		b.WriteString(upper(s[:k]) + lower(s[k:n]))
		s = s[n:]
	}
	return b.String()
}

// titleMethod is str.title: an upper-case letter after everything that has no case.
func titleMethod(s string) string {
	var b strings.Builder
	inside := false
	for i, c := range s {
		has := unicode.IsUpper(c) || unicode.IsLower(c) || unicode.IsTitle(c)
		switch {
		case !has:
			b.WriteRune(c)
		case inside:
			b.WriteString(lowerAt(s, i, c))
		default:
			b.WriteString(titleOne(c))
		}
		inside = has
	}
	return b.String()
}

func swapCase(s string) string {
	var b strings.Builder
	for i, c := range s {
		if unicode.IsUpper(c) {
			b.WriteString(lowerAt(s, i, c))
		} else {
			b.WriteString(upper(string(c)))
		}
	}
	return b.String()
}
