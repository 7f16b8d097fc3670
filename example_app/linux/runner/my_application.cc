#include "my_application.h"

#include <flutter_linux/flutter_linux.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#endif

#include "flutter/generated_plugin_registrant.h"
#include "platform_channel.h"

namespace {
constexpr char kTitle[] = "Happy Phone";
constexpr int kWidth = 1100;
constexpr int kHeight = 760;
}  // namespace

struct _MyApplication {
  GtkApplication parent_instance;
  // What main() of the Dart program gets; owned.
  char** arguments;
};

G_DEFINE_TYPE(MyApplication, my_application, GTK_TYPE_APPLICATION)

// GNOME and Wayland desktops draw no title bars: there the window brings its
// own. Other X11 window managers do, and some lay windows out in ways in which a
// second one is in the way.
static gboolean brings_title_bar(GtkWindow* window) {
#ifdef GDK_WINDOWING_X11
  GdkScreen* screen = gtk_window_get_screen(window);
  if (GDK_IS_X11_SCREEN(screen)) {
    return g_strcmp0(gdk_x11_screen_get_window_manager_name(screen),
                     "GNOME Shell") == 0;
  }
#endif
  return TRUE;
}

// A window that is shown before Flutter has drawn flashes black.
static void on_first_frame(GtkWidget* window, FlView*) {
  gtk_widget_show(window);
}

static void my_application_activate(GApplication* application) {
  MyApplication* self = MY_APPLICATION(application);
  GtkWindow* window =
      GTK_WINDOW(gtk_application_window_new(GTK_APPLICATION(application)));
  gtk_window_set_title(window, kTitle);
  gtk_window_set_default_size(window, kWidth, kHeight);
  if (brings_title_bar(window)) {
    GtkHeaderBar* bar = GTK_HEADER_BAR(gtk_header_bar_new());
    gtk_header_bar_set_title(bar, kTitle);
    gtk_header_bar_set_show_close_button(bar, TRUE);
    gtk_widget_show(GTK_WIDGET(bar));
    gtk_window_set_titlebar(window, GTK_WIDGET(bar));
  }

  g_autoptr(FlDartProject) project = fl_dart_project_new();
  fl_dart_project_set_dart_entrypoint_arguments(project, self->arguments);
  FlView* view = fl_view_new(project);
  gtk_widget_show(GTK_WIDGET(view));
  gtk_container_add(GTK_CONTAINER(window), GTK_WIDGET(view));

  // Drawing needs a view that is realized, though nobody sees it yet.
  g_signal_connect_swapped(view, "first-frame", G_CALLBACK(on_first_frame),
                           window);
  gtk_widget_realize(GTK_WIDGET(view));
  fl_register_plugins(FL_PLUGIN_REGISTRY(view));
  platform_channel_register(
      fl_engine_get_binary_messenger(fl_view_get_engine(view)), window);
  gtk_widget_grab_focus(GTK_WIDGET(view));
}

static gboolean my_application_local_command_line(GApplication* application,
                                                  gchar*** arguments,
                                                  int* exit_status) {
  MyApplication* self = MY_APPLICATION(application);
  g_clear_pointer(&self->arguments, g_strfreev);
  self->arguments = g_strdupv(*arguments + 1);

  g_autoptr(GError) error = nullptr;
  if (!g_application_register(application, nullptr, &error)) {
    g_warning("%s cannot be registered: %s", APPLICATION_ID, error->message);
    *exit_status = 1;
    return TRUE;
  }
  g_application_activate(application);
  *exit_status = 0;
  return TRUE;
}

static void my_application_dispose(GObject* object) {
  g_clear_pointer(&MY_APPLICATION(object)->arguments, g_strfreev);
  G_OBJECT_CLASS(my_application_parent_class)->dispose(object);
}

static void my_application_class_init(MyApplicationClass* klass) {
  G_APPLICATION_CLASS(klass)->activate = my_application_activate;
  G_APPLICATION_CLASS(klass)->local_command_line =
      my_application_local_command_line;
  G_OBJECT_CLASS(klass)->dispose = my_application_dispose;
}

static void my_application_init(MyApplication*) {}

MyApplication* my_application_new() {
  // Desktops find the program's .desktop file by this name.
  g_set_prgname(APPLICATION_ID);
  // Two of them may run: each has its own window, and its own model in memory.
  return MY_APPLICATION(g_object_new(my_application_get_type(),
                                     "application-id", APPLICATION_ID, "flags",
                                     G_APPLICATION_NON_UNIQUE, nullptr));
}
