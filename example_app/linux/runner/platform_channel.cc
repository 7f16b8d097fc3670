#include "platform_channel.h"

#include <sys/statvfs.h>

namespace {

// The string `key` of a call's arguments; null: there is none. Not owned.
const char* argument(FlMethodCall* call, const char* key) {
  FlValue* arguments = fl_method_call_get_args(call);
  if (fl_value_get_type(arguments) != FL_VALUE_TYPE_MAP) {
    return nullptr;
  }
  FlValue* value = fl_value_lookup_string(arguments, key);
  return value != nullptr && fl_value_get_type(value) == FL_VALUE_TYPE_STRING
             ? fl_value_get_string(value)
             : nullptr;
}

void respond(FlMethodCall* call, FlValue* value) {
  g_autoptr(GError) error = nullptr;
  if (!fl_method_call_respond_success(call, value, &error)) {
    g_warning("%s: %s", fl_method_call_get_name(call), error->message);
  }
}

// A picker that is open, and the call that waits for it; both owned.
struct Picking {
  GtkFileChooserNative* chooser;
  FlMethodCall* call;
};

void on_picked(GtkNativeDialog*, gint response, gpointer data) {
  Picking* picking = static_cast<Picking*>(data);
  g_autofree char* path = nullptr;
  if (response == GTK_RESPONSE_ACCEPT) {
    path = gtk_file_chooser_get_filename(GTK_FILE_CHOOSER(picking->chooser));
  }
  g_autoptr(FlValue) value =
      path == nullptr ? fl_value_new_null() : fl_value_new_string(path);
  respond(picking->call, value);
  g_object_unref(picking->chooser);
  g_object_unref(picking->call);
  g_free(picking);
}

void pick_file(FlMethodCall* call, GtkWindow* window) {
  Picking* picking = g_new0(Picking, 1);
  picking->call = FL_METHOD_CALL(g_object_ref(call));
  picking->chooser = gtk_file_chooser_native_new(
      nullptr, window, GTK_FILE_CHOOSER_ACTION_OPEN, nullptr, nullptr);
  GtkFileFilter* filter = gtk_file_filter_new();
  gtk_file_filter_set_name(filter, "GGUF");
  gtk_file_filter_add_pattern(filter, "*.gguf");
  gtk_file_chooser_add_filter(GTK_FILE_CHOOSER(picking->chooser), filter);
  g_signal_connect(picking->chooser, "response", G_CALLBACK(on_picked),
                   picking);
  gtk_native_dialog_show(GTK_NATIVE_DIALOG(picking->chooser));
}

FlValue* free_bytes(const char* path) {
  struct statvfs space;
  if (path == nullptr || statvfs(path, &space) != 0) {
    return fl_value_new_null();
  }
  return fl_value_new_int(static_cast<int64_t>(space.f_bavail) *
                          static_cast<int64_t>(space.f_frsize));
}

void on_call(FlMethodChannel*, FlMethodCall* call, gpointer data) {
  const char* name = fl_method_call_get_name(call);
  g_autoptr(FlValue) value = nullptr;
  if (g_strcmp0(name, "pickFile") == 0) {
    pick_file(call, GTK_WINDOW(data));
    return;
  }
  if (g_strcmp0(name, "hasFilePicker") == 0) {
    value = fl_value_new_bool(TRUE);
  } else if (g_strcmp0(name, "freeBytes") == 0) {
    value = free_bytes(argument(call, "path"));
  } else if (g_strcmp0(name, "directories") == 0) {
    value = fl_value_new_map();
    fl_value_set_string_take(value, "support",
                             fl_value_new_string(g_get_user_data_dir()));
  } else {
    g_autoptr(GError) error = nullptr;
    fl_method_call_respond_not_implemented(call, &error);
    return;
  }
  respond(call, value);
}

}  // namespace

void platform_channel_register(FlBinaryMessenger* messenger,
                               GtkWindow* window) {
  g_autoptr(FlStandardMethodCodec) codec = fl_standard_method_codec_new();
  FlMethodChannel* channel = fl_method_channel_new(
      messenger, "happy_phone/platform", FL_METHOD_CODEC(codec));
  fl_method_channel_set_method_call_handler(channel, on_call, window, nullptr);
  g_object_set_data_full(G_OBJECT(window), "platform_channel", channel,
                         g_object_unref);
}
