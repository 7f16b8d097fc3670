/* Signals that a host handles and Go does too.
 *
 * Go's runtime, when it is loaded, takes over SIGSEGV, SIGBUS, SIGFPE and SIGURG. Faults of the host's own code it
 * hands on to the handler that was there before; but not signals that some program sent, and never SIGURG,
 * by which it interrupts its own threads. A host whose handlers are older than the library would lose these. So
 * where there was a handler, one that serves both is put before Go's. */
#if !defined(_WIN32)
#include <signal.h>
#include <stddef.h>

#include "signals.h"

static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGURG};
enum { COUNT = sizeof numbers / sizeof *numbers };
static struct sigaction host[COUNT], runtime[COUNT];

static int has_handler(const struct sigaction *a) { return a->sa_handler != SIG_DFL && a->sa_handler != SIG_IGN; }

static void call(const struct sigaction *a, int number, siginfo_t *info, void *context) {
  if (a->sa_flags & SA_SIGINFO)
    a->sa_sigaction(number, info, context);
  else
    a->sa_handler(number);
}

static void both(int number, siginfo_t *info, void *context) {
  int i = 0;
  while (numbers[i] != number) i++;
  /* Codes above 0 are the kernel's: a fault. */
  if (number == SIGURG || info->si_code <= 0) call(&host[i], number, info, context);
  if (number == SIGURG || info->si_code > 0) call(&runtime[i], number, info, context);
}

/* Constructors with a priority come before those without, as Go's is. */
__attribute__((constructor(101))) static void remember(void) {
  for (int i = 0; i < COUNT; i++) sigaction(numbers[i], NULL, &host[i]);
}

void hp_chain_signals(void) {
  for (int i = 0; i < COUNT; i++) {
    if (!has_handler(&host[i]) || sigaction(numbers[i], NULL, &runtime[i])) continue;
    struct sigaction action = runtime[i];
    /* One that the host has set since is the host's business. */
    if (!has_handler(&action) || action.sa_sigaction == host[i].sa_sigaction) continue;
    action.sa_sigaction = both;
    action.sa_flags |= SA_SIGINFO | SA_ONSTACK;
    sigaction(numbers[i], &action, NULL);
  }
}
#else
void hp_chain_signals(void) {}
#endif
