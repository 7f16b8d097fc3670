#pragma once
#include <hp_bionic.h>
typedef unsigned long sigset_t;
typedef struct siginfo {
  int si_signo;
  int si_errno;
  int si_code;
  int opaque[29]; /* 128 bytes in all */
} siginfo_t;
struct sigaction {
  int sa_flags;
  union {
    void (*sa_handler)(int);
    void (*sa_sigaction)(int, siginfo_t *, void *);
  };
  sigset_t sa_mask;
  void (*sa_restorer)(void);
};
#define SA_SIGINFO 0x00000004
#define SA_RESTORER 0x04000000
#define SA_ONSTACK 0x08000000
#define SA_RESTART 0x10000000
#define SIGBUS 7
#define SIGFPE 8
#define SIGSEGV 11
#define SIGURG 23
#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
int sigaction(int number, const struct sigaction *action, struct sigaction *old);
int sigfillset(sigset_t *set);
int sigemptyset(sigset_t *set);
int sigaddset(sigset_t *set, int number);
int sigismember(const sigset_t *set, int number);
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
