/* What a shared library for Android begins with: the handle by which the C library knows it, the call that
 * runs its exit functions when it is unloaded, and the note that names the API level. */
extern void __cxa_finalize(void *);

__attribute__((visibility("hidden"))) void *__dso_handle = &__dso_handle;

__attribute__((destructor)) static void finalize(void) { __cxa_finalize(&__dso_handle); }

__attribute__((section(".note.android.ident"), used, aligned(4))) static const struct {
  unsigned name_size, size, type;
  char name[8];
  unsigned api;
} note = {sizeof note.name, sizeof note.api, 1, "Android", 21};
