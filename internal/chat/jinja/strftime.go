package jinja

import (
	"fmt"
	"strings"
	"time"
)

// strftime formats the clock's time as C's strftime does in the C locale. The clock's zone is local time, which
// has no name and no offset in Python's datetime.now(): %z and %Z are empty.
func (r *runtime) strftime(format string) string {
	t := r.now()
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		pad := true
		if format[i] == '-' && i+1 < len(format) { // glibc's flag: no padding
			pad = false
			i++
		}
		s := timeField(t, format[i])
		if !pad {
			if trimmed := strings.TrimLeft(s, "0 "); trimmed != "" {
				s = trimmed
			} else {
				s = "0"
			}
		}
		b.WriteString(s)
	}
	return r.str(b.String())
}

func timeField(t time.Time, c byte) string {
	num := func(width, n int) string { return fmt.Sprintf("%0*d", width, n) }
	hour12 := (t.Hour()+11)%12 + 1
	switch c {
	case 'Y':
		return num(1, t.Year())
	case 'C':
		return num(2, t.Year()/100)
	case 'y':
		return num(2, t.Year()%100)
	case 'm':
		return num(2, int(t.Month()))
	case 'd':
		return num(2, t.Day())
	case 'e':
		return fmt.Sprintf("%2d", t.Day())
	case 'H':
		return num(2, t.Hour())
	case 'k':
		return fmt.Sprintf("%2d", t.Hour())
	case 'I':
		return num(2, hour12)
	case 'l':
		return fmt.Sprintf("%2d", hour12)
	case 'M':
		return num(2, t.Minute())
	case 'S':
		return num(2, t.Second())
	case 'f':
		return num(6, t.Nanosecond()/1000)
	case 'j':
		return num(3, t.YearDay())
	case 'p':
		return t.Format("PM")
	case 'P':
		return t.Format("pm")
	case 'A':
		return t.Weekday().String()
	case 'a':
		return t.Weekday().String()[:3]
	case 'B':
		return t.Month().String()
	case 'b', 'h':
		return t.Month().String()[:3]
	case 'w':
		return num(1, int(t.Weekday()))
	case 'u':
		return num(1, (int(t.Weekday())+6)%7+1)
	case 'U':
		return num(2, (t.YearDay()+6-int(t.Weekday()))/7)
	case 'W':
		return num(2, (t.YearDay()+6-(int(t.Weekday())+6)%7)/7)
	case 'V':
		_, week := t.ISOWeek()
		return num(2, week)
	case 'G':
		year, _ := t.ISOWeek()
		return num(1, year)
	case 'g':
		year, _ := t.ISOWeek()
		return num(2, year%100)
	case 's':
		return fmt.Sprint(t.Unix())
	case 'D', 'x':
		return t.Format("01/02/06")
	case 'F':
		return t.Format("2006-01-02")
	case 'T', 'X':
		return t.Format("15:04:05")
	case 'R':
		return t.Format("15:04")
	case 'r':
		return t.Format("03:04:05 PM")
	case 'c':
		return t.Format("Mon Jan _2 15:04:05 2006")
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '%':
		return "%"
	case 'z', 'Z':
		return ""
	}
	return "%" + string(rune(c))
}
