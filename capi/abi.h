/* What the Go files of this folder see of C. cgo writes prototypes of the exported functions from their Go
 * signatures; since the header is seen too, a difference between the two does not compile. Go has no const:
 * these names stand in for it. */
#include "hp_llm.h"

typedef const char hp_const_char;
typedef const int32_t hp_const_int32;
typedef const hp_llm_message hp_const_message;
typedef const hp_llm_init_options hp_const_init_options;
typedef const hp_llm_session_options hp_const_session_options;
typedef const hp_llm_load_options hp_const_load_options;
typedef const hp_llm_chat_options hp_const_chat_options;
typedef const hp_llm_request hp_const_request;
