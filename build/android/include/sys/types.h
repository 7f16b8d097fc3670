#pragma once
#include <hp_bionic.h>
