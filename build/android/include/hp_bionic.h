/* The part of Android's C library that Go's runtime is compiled against, for 64-bit machines and API level 21.
 * Sizes and orders are those of bionic's public headers; names that are not needed are left out. */
#ifndef HP_BIONIC_H
#define HP_BIONIC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define __BIONIC__ 1
#ifndef __ANDROID_API__
#define __ANDROID_API__ 21
#endif
#define __ANDROID_MIN_SDK_VERSION__ __ANDROID_API__

typedef intptr_t ssize_t;
typedef int64_t off_t;
typedef int64_t time_t;
typedef int32_t pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef int32_t clockid_t;
struct timespec {
  time_t tv_sec;
  long tv_nsec;
};

#endif
