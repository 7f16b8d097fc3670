#pragma once
#include <hp_bionic.h>
int *__errno(void);
#define errno (*__errno())
#define EINTR 4
#define EAGAIN 11
#define ENOMEM 12
#define EINVAL 22
#define ENOSYS 38
