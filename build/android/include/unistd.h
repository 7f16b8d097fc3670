#pragma once
#include <hp_bionic.h>
int setegid(gid_t id);
int seteuid(uid_t id);
int setgid(gid_t id);
int setuid(uid_t id);
int setregid(gid_t real, gid_t effective);
int setreuid(uid_t real, uid_t effective);
int setresgid(gid_t real, gid_t effective, gid_t saved);
int setresuid(uid_t real, uid_t effective, uid_t saved);
