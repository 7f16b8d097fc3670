#pragma once
#include <hp_bionic.h>
/* API levels below 23 have the three files in one array of structs of 152 bytes. */
typedef struct { char opaque[152]; } FILE;
extern FILE __sF[];
#define stdin (&__sF[0])
#define stdout (&__sF[1])
#define stderr (&__sF[2])
int fprintf(FILE *file, const char *format, ...);
int vfprintf(FILE *file, const char *format, va_list arguments);
int fputc(int c, FILE *file);
size_t fwrite(const void *data, size_t size, size_t count, FILE *file);
