#pragma once
#include <hp_bionic.h>
int nanosleep(const struct timespec *time, struct timespec *rest);
