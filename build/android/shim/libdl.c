/* Android's libdl.so over glibc's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#define EXPORT(f) __asm__(".symver droid_" #f ", " #f "@LIBC");
EXPORT(dlopen)
void *droid_dlopen(const char *path, int mode) { return dlopen(path, mode); }
EXPORT(dlsym)
void *droid_dlsym(void *library, const char *name) { return dlsym(library, name); }
EXPORT(dlclose)
int droid_dlclose(void *library) { return dlclose(library); }
