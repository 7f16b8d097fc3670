/* Functions that give out texts which last as long as the process: no Go is needed. */
#include "hp_llm.h"

const char *hp_llm_version(void) { return "0.1.0"; }

uint32_t hp_llm_abi_version(void) { return HP_LLM_ABI_VERSION; }

const char *hp_llm_status_name(int32_t status) {
#define NAME(s) \
  case s:       \
    return #s;
  switch (status) {
    NAME(HP_LLM_OK)
    NAME(HP_LLM_PENDING)
    NAME(HP_LLM_ERROR_ARGUMENT)
    NAME(HP_LLM_ERROR_HANDLE)
    NAME(HP_LLM_ERROR_BUSY)
    NAME(HP_LLM_ERROR_STATE)
    NAME(HP_LLM_ERROR_BUFFER)
    NAME(HP_LLM_ERROR_VERSION)
    NAME(HP_LLM_ERROR_UTF8)
    NAME(HP_LLM_ERROR_IO)
    NAME(HP_LLM_ERROR_FORMAT)
    NAME(HP_LLM_ERROR_UNSUPPORTED)
    NAME(HP_LLM_ERROR_FILE_CHANGED)
    NAME(HP_LLM_ERROR_CONTEXT)
    NAME(HP_LLM_ERROR_MEMORY)
    NAME(HP_LLM_ERROR_STOPPED)
    NAME(HP_LLM_ERROR_NO_VOCABULARY)
    NAME(HP_LLM_ERROR_TEMPLATE)
    NAME(HP_LLM_ERROR_LIMIT)
    NAME(HP_LLM_ERROR_INTERNAL)
  }
#undef NAME
  return "unknown status";
}
