#ifndef RUNNER_MY_APPLICATION_H_
#define RUNNER_MY_APPLICATION_H_

#include <gtk/gtk.h>

// The GTK application: one window with one Flutter view.
G_DECLARE_FINAL_TYPE(MyApplication, my_application, MY, APPLICATION,
                     GtkApplication)

// The caller owns what it gets.
MyApplication* my_application_new();

#endif  // RUNNER_MY_APPLICATION_H_
