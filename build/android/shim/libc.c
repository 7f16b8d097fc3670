/* Android's C library, as far as libhappyphonellm needs it, on top of glibc for arm64, so that the library for
 * Android can be run under qemu. For tests only. Most functions are glibc's; what differs is the layout of
 * some structs, and that is translated here. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* EXPORT(f) makes our droid_f the library's f, of the version that Android's symbols have. */
#define EXPORT(f) __asm__(".symver droid_" #f ", " #f "@LIBC");
/* SAME(f, ...) exports a function that is glibc's. */
#define SAME(type, f, parameters, arguments) \
  EXPORT(f)                                  \
  type droid_##f parameters { return f arguments; }

SAME(void *, malloc, (size_t n), (n))
SAME(void *, mmap, (void *at, size_t n, int p, int f, int d, off_t o), (at, n, p, f, d, o))
SAME(int, munmap, (void *at, size_t n), (at, n))
SAME(char *, strerror, (int n), (n))
SAME(int, setenv, (const char *name, const char *value, int over), (name, value, over))
SAME(int, unsetenv, (const char *name), (name))
SAME(int, clearenv, (void), ())
SAME(int, nanosleep, (const struct timespec *time, struct timespec *rest), (time, rest))
SAME(pthread_t, pthread_self, (void), ())
SAME(int, pthread_key_create, (pthread_key_t *key, void (*end)(void *)), (key, end))
SAME(int, pthread_setspecific, (pthread_key_t key, const void *value), (key, value))
SAME(int, setuid, (uid_t a), (a))
SAME(int, setgid, (gid_t a), (a))
SAME(int, seteuid, (uid_t a), (a))
SAME(int, setegid, (gid_t a), (a))
SAME(int, setreuid, (uid_t a, uid_t b), (a, b))
SAME(int, setregid, (gid_t a, gid_t b), (a, b))
SAME(int, setresuid, (uid_t a, uid_t b, uid_t c), (a, b, c))
SAME(int, setresgid, (gid_t a, gid_t b, gid_t c), (a, b, c))
SAME(int, setgroups, (size_t n, const gid_t *list), (n, list))
EXPORT(free)
void droid_free(void *p) { free(p); }
EXPORT(abort)
void droid_abort(void) { abort(); }
EXPORT(__errno)
int *droid___errno(void) { return &errno; }
extern void __cxa_finalize(void *);
EXPORT(__cxa_finalize)
void droid___cxa_finalize(void *library) { __cxa_finalize(library); }

/* Its presence says Android 10 or newer: Go then keeps its g in the slot that Android reserves for programs,
 * the third word at the thread pointer. host.c keeps glibc out of there. */
int android_get_device_api_level(void) { return 35; }

/* The three standard files are in an array of structs of 152 bytes. */
EXPORT(__sF)
char droid___sF[3 * 152];
static FILE *standard(const void *file) { return (const char *)file == droid___sF + 152 ? stdout : stderr; }
EXPORT(fprintf)
int droid_fprintf(void *file, const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vfprintf(standard(file), format, list);
  va_end(list);
  return n;
}
EXPORT(vfprintf)
int droid_vfprintf(void *file, const char *format, va_list list) { return vfprintf(standard(file), format, list); }
EXPORT(fputc)
int droid_fputc(int c, void *file) { return fputc(c, standard(file)); }
EXPORT(fwrite)
size_t droid_fwrite(const void *data, size_t size, size_t n, void *file) {
  return fwrite(data, size, n, standard(file));
}

/* Mutexes and conditions are smaller than glibc's, and aligned to 4 bytes: the first aligned word in them
 * becomes a pointer to one of glibc's, at first use. */
static void *grown(void *object, size_t size) {
  void **word = (void **)(((uintptr_t)object + 7) & ~(uintptr_t)7);
  void *is = __atomic_load_n(word, __ATOMIC_ACQUIRE);
  if (is) return is;
  void *fresh = calloc(1, size);
  if (__atomic_compare_exchange_n(word, &is, fresh, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return fresh;
  free(fresh);
  return is;
}
#define MUTEX(m) ((pthread_mutex_t *)grown(m, sizeof(pthread_mutex_t)))
#define CONDITION(c) ((pthread_cond_t *)grown(c, sizeof(pthread_cond_t)))
EXPORT(pthread_mutex_lock)
int droid_pthread_mutex_lock(void *m) { return pthread_mutex_lock(MUTEX(m)); }
EXPORT(pthread_mutex_unlock)
int droid_pthread_mutex_unlock(void *m) { return pthread_mutex_unlock(MUTEX(m)); }
EXPORT(pthread_cond_wait)
int droid_pthread_cond_wait(void *c, void *m) { return pthread_cond_wait(CONDITION(c), MUTEX(m)); }
EXPORT(pthread_cond_broadcast)
int droid_pthread_cond_broadcast(void *c) { return pthread_cond_broadcast(CONDITION(c)); }

/* Thread attributes are 56 bytes: a pointer to glibc's. */
typedef struct {
  pthread_attr_t *real;
  char rest[48];
} attributes;
EXPORT(pthread_attr_init)
int droid_pthread_attr_init(attributes *a) {
  memset(a, 0, sizeof *a);
  a->real = calloc(1, sizeof *a->real);
  return pthread_attr_init(a->real);
}
EXPORT(pthread_attr_destroy)
int droid_pthread_attr_destroy(attributes *a) {
  if (!a->real) return 0;
  int r = pthread_attr_destroy(a->real);
  free(a->real);
  a->real = NULL;
  return r;
}
EXPORT(pthread_attr_setdetachstate)
int droid_pthread_attr_setdetachstate(attributes *a, int s) { return pthread_attr_setdetachstate(a->real, s); }
EXPORT(pthread_attr_getstacksize)
int droid_pthread_attr_getstacksize(attributes *a, size_t *n) { return pthread_attr_getstacksize(a->real, n); }
EXPORT(pthread_attr_getstack)
int droid_pthread_attr_getstack(attributes *a, void **at, size_t *n) { return pthread_attr_getstack(a->real, at, n); }
EXPORT(pthread_getattr_np)
int droid_pthread_getattr_np(pthread_t thread, attributes *a) {
  memset(a, 0, sizeof *a);
  a->real = calloc(1, sizeof *a->real);
  return pthread_getattr_np(thread, a->real);
}
EXPORT(pthread_create)
int droid_pthread_create(pthread_t *thread, attributes *a, void *(*start)(void *), void *argument) {
  return pthread_create(thread, a ? a->real : NULL, start, argument);
}

/* Signal sets are one word, and in struct sigaction the flags come first. */
typedef uint64_t set;
typedef struct {
  int flags;
  void (*function)(int);
  set mask;
  void (*restorer)(void);
} action;
static sigset_t wide(set s) {
  sigset_t w;
  sigemptyset(&w);
  memcpy(&w, &s, sizeof s);
  return w;
}
static set narrow(const sigset_t *w) {
  set s;
  memcpy(&s, w, sizeof s);
  return s;
}
EXPORT(sigemptyset)
int droid_sigemptyset(set *s) { return *s = 0, 0; }
EXPORT(sigfillset)
int droid_sigfillset(set *s) { return *s = ~(set)0, 0; }
EXPORT(sigaddset)
int droid_sigaddset(set *s, int n) { return *s |= (set)1 << (n - 1), 0; }
EXPORT(sigismember)
int droid_sigismember(const set *s, int n) { return *s >> (n - 1) & 1; }
EXPORT(pthread_sigmask)
int droid_pthread_sigmask(int how, const set *s, set *old) {
  sigset_t in = wide(s ? *s : 0), out;
  int r = pthread_sigmask(how, s ? &in : NULL, &out);
  if (old) *old = narrow(&out);
  return r;
}
EXPORT(sigaction)
int droid_sigaction(int n, const action *a, action *old) {
  struct sigaction in, out;
  memset(&in, 0, sizeof in);
  if (a) {
    in.sa_flags = a->flags & ~0x04000000; /* the restorer is glibc's business */
    in.sa_handler = a->function;
    in.sa_mask = wide(a->mask);
  }
  int r = sigaction(n, a ? &in : NULL, &out);
  if (r == 0 && old) *old = (action){out.sa_flags, out.sa_handler, narrow(&out.sa_mask), NULL};
  return r;
}
