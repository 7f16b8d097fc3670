#pragma once
#include <hp_bionic.h>
#include <signal.h>
#include <time.h>
typedef long pthread_t;
typedef int32_t pthread_key_t;
typedef long pthread_mutexattr_t;
typedef long pthread_condattr_t;
typedef struct { int32_t opaque[10]; } pthread_mutex_t;
typedef struct { int32_t opaque[12]; } pthread_cond_t;
typedef struct {
  uint32_t flags;
  void *stack_base;
  size_t stack_size;
  size_t guard_size;
  int32_t sched_policy;
  int32_t sched_priority;
  char reserved[16];
} pthread_attr_t;
#define PTHREAD_MUTEX_INITIALIZER {{0}}
#define PTHREAD_COND_INITIALIZER {{0}}
#define PTHREAD_CREATE_DETACHED 1
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *argument);
int pthread_detach(pthread_t thread);
int pthread_join(pthread_t thread, void **result);
pthread_t pthread_self(void);
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr);
int pthread_attr_init(pthread_attr_t *attr);
int pthread_attr_destroy(pthread_attr_t *attr);
int pthread_attr_setdetachstate(pthread_attr_t *attr, int state);
int pthread_attr_getstack(const pthread_attr_t *attr, void **base, size_t *size);
int pthread_attr_getstacksize(const pthread_attr_t *attr, size_t *size);
int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int pthread_cond_broadcast(pthread_cond_t *condition);
int pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int pthread_setspecific(pthread_key_t key, const void *value);
void *pthread_getspecific(pthread_key_t key);
