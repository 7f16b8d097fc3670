/* A plugin of qemu-user that prints how many guest instructions a program
 * executed. Debian's qemu packages ship no header for plugins, so the few
 * functions used (plugin API 1) are declared here. */
#include <inttypes.h>
#include <stdio.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*f)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*f)(unsigned, void *), int flags, void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*f)(uint64_t, void *), void *data);

EXPORT int qemu_plugin_version = 1;

static uint64_t executed;

static void block_runs(unsigned cpu, void *insns)
{
    (void)cpu;
    __atomic_add_fetch(&executed, (uintptr_t)insns, __ATOMIC_RELAXED);
}

static void block_translated(uint64_t id, struct qemu_plugin_tb *tb)
{
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs, 0, (void *)(uintptr_t)qemu_plugin_tb_n_insns(tb));
}

static void program_ends(uint64_t id, void *data)
{
    (void)id;
    (void)data;
    fprintf(stderr, "guest instructions: %" PRIu64 "\n", executed);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
    (void)info;
    (void)argc;
    (void)argv;
    qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
    qemu_plugin_register_atexit_cb(id, program_ends, NULL);
    return 0;
}
