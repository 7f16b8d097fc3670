/* The C interface where this package lies in the repository. */
#include "../../../../include/hp_llm.h"
