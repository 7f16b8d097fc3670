#ifndef RUNNER_PLATFORM_CHANNEL_H_
#define RUNNER_PLATFORM_CHANNEL_H_

#include <flutter_linux/flutter_linux.h>
#include <gtk/gtk.h>

// What lib/services/platform_service.dart asks of this system: a file picker,
// free space, the folder for the app's files. It lives as long as `window`.
void platform_channel_register(FlBinaryMessenger* messenger, GtkWindow* window);

#endif  // RUNNER_PLATFORM_CHANNEL_H_
