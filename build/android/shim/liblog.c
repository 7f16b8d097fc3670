/* Android's liblog.so: to stderr. */
#include <stdarg.h>
#include <stdio.h>
int __android_log_vprint(int priority, const char *tag, const char *format, va_list list) {
  fprintf(stderr, "[%d %s] ", priority, tag);
  return vfprintf(stderr, format, list);
}
