#pragma once
#include <hp_bionic.h>
int setgroups(size_t count, const gid_t *groups);
