#pragma once
#include <hp_bionic.h>
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *memory);
void abort(void) __attribute__((noreturn));
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
int clearenv(void);
