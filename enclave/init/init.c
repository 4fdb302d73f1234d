/*
 * The whole user space before the enclave: file systems, drivers, an address, the operator's file. Everything here is measured.
 * It ends by becoming Node; what stays beside it is one process of this program for each network device, which knows DHCP and
 * nothing else. There is no shell and no other program in the image.
 */

#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/if.h>
#include <linux/mount.h>
#include <linux/resource.h>
#include <linux/sockios.h>

#include "dhcp.h"
#include "image.h"
#include "nitro.h"
#include "operator-file.h"
#include "system.h"

#define OPERATOR "/run/operator.json"
/* Of Nitro alone: what speaks to its secure module, and the module's driver where the kernel was given with one. */
#define NSM_PROGRAM "/usr/local/bin/adyton-nsm"
#define NSM_DRIVER "/nsm.ko"
/* Milliseconds for the first lease; the DHCP process goes on trying after it. */
#define LEASE_PATIENCE_MS 20000

/* In the order that their dependencies ask for; a driver without its device does nothing. The builder writes image.h. */
static const char *const MODULES[] = {MODULE_NAMES};

/* Evidence drivers refuse to load where they are not needed. */
static int optional(const char *module) {
  return text_equal(module, "tdx-guest") || text_equal(module, "sev-guest");
}

static long load_module(const char *path) {
  const long fd = sys_open(path, O_RDONLY, 0);
  const long loaded = fd < 0 ? fd : system_call(__NR_finit_module, fd, (long)"", 0, 0, 0);
  if (fd >= 0) sys_close((int)fd);
  sys_unlink(path);
  return loaded;
}

static void load_modules(int are_ours) {
  for (size_t i = 0; i < COUNT(MODULES); i += 1) {
    char path[128] = "/modules/";
    text_append(path, sizeof path, MODULES[i]);
    text_append(path, sizeof path, ".ko");
    if (!are_ours) {
      sys_unlink(path);
      continue;
    }
    const long loaded = load_module(path);
    if (loaded < 0 && !(optional(MODULES[i]) && loaded != -ENOENT)) {
      say_about(MODULES[i], "the module cannot be loaded");
      fail("the kernel and its modules do not belong together");
    }
  }
  sys_rmdir("/modules");
}

/* Nitro's kernel is another one: what it needs is built in, but for the secure module's driver. */
static void prepare_nitro(void) {
  load_modules(0);
  const long loaded = load_module(NSM_DRIVER);
  if (loaded < 0 && loaded != -ENOENT) fail("the driver of the Nitro Secure Module does not belong to this kernel");
  beat_heart();
}

static void prepare_machine(void) {
  load_modules(1);
  sys_unlink(NSM_PROGRAM);
}

static void mount_or_fail(const char *type, const char *target, unsigned long flags, const char *data) {
  const long result = sys_mount(type, target, type, MS_NOSUID | MS_NOEXEC | flags, data);
  if (result < 0 && result != -EBUSY) {
    say_about(target, "cannot be mounted");
    fail("the kernel lacks a file system that is needed");
  }
}

static void set(const char *path, const char *value) {
  const long result = write_file(path, value, text_length(value), 0);
  if (result == 0) return;
  say_about(path, "cannot be set");
  fail("the kernel cannot be closed as it must be");
}

/* Keys and prompts are in memory: no core, no other kernel, no further module, no key of the console's. */
static void close_kernel(void) {
  set("/proc/sys/kernel/modules_disabled", "1");
  set("/proc/sys/kernel/kexec_load_disabled", "1");
  set("/proc/sys/kernel/sysrq", "0");
  set("/proc/sys/kernel/dmesg_restrict", "1");
  set("/proc/sys/kernel/unprivileged_bpf_disabled", "2");
  const struct rlimit none = {0, 0};
  system_call(__NR_setrlimit, RLIMIT_CORE, (long)&none, 0, 0, 0);
}

static void raise_loopback(void) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  text_append(request.ifr_name, sizeof request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
  const long fd = sys_socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || sys_ioctl((int)fd, SIOCSIFFLAGS, &request) < 0) fail("there is no loopback device");
  sys_close((int)fd);
}

struct network {
  int devices;
  int pipe[2];
};

static long start_dhcp(const char *name, void *context) {
  struct network *network = context;
  if (!text_starts(name, "e")) return 0;
  network->devices += 1;
  const long child = sys_fork();
  if (child < 0) fail("the kernel cannot start a process");
  if (child > 0) return 0;
  char device[IFNAMSIZ] = "";
  text_append(device, sizeof device, name);
  sys_close(network->pipe[0]);
  keep_lease(device, network->pipe[1]);
}

static void start_network(void) {
  struct network network = {0, {-1, -1}};
  raise_loopback();
  if (system_call(__NR_pipe2, (long)network.pipe, O_CLOEXEC, 0, 0, 0) < 0) fail("the kernel makes no pipe");
  each_entry("/sys/class/net", start_dhcp, &network);
  sys_close(network.pipe[1]);
  if (network.devices == 0) fail("no network device: give the machine a virtio-net, gVNIC or ENA device");
  __u8 ready;
  if (sys_poll_readable(network.pipe[0], LEASE_PATIENCE_MS) <= 0 || sys_read(network.pipe[0], &ready, 1) != 1) {
    say("no address by DHCP yet: going on, and asking again");
  }
  sys_close(network.pipe[0]);
}

static void start_nitro(void) {
  raise_loopback();
  start_tunnel("/etc/hosts");
  receive_operator_file(OPERATOR);
}

static void start_machine(void) {
  start_network();
  take_operator_file(OPERATOR);
}

static void open_console(void) {
  const long input = sys_open("/dev/null", O_RDONLY, 0), console = sys_open("/dev/console", O_WRONLY, 0);
  for (int fd = 0; fd < 3; fd += 1) system_call(__NR_dup3, fd == 0 || console < 0 ? input : console, fd, 0, 0, 0);
}

/* Memory that is too small cuts the archive short, in silence: this is its last file. */
static void check_complete(void) {
  char mark;
  if (read_file("/zz-complete", &mark, 1) < 0) fail("the initrd was not unpacked whole: give the machine at least 384 MB");
  sys_unlink("/zz-complete");
}

static void become_node(void) {
  static const char *const arguments[] = {NODE_ARGUMENTS, NULL};
  static const char *const environment[] = {NULL};
  sys_unlink("/init");
  const long result = system_call(__NR_execve, (long)arguments[0], (long)arguments, (long)environment, 0, 0);
  fail(result == -ENOENT ? "there is no Node in the image" : "Node cannot be started");
}

void start(long *stack) {
  (void)stack;
  if (system_call(__NR_getpid, 0, 0, 0, 0, 0) != 1) sys_exit(1);
  mount_or_fail("devtmpfs", "/dev", 0, "");
  open_console();
  check_complete();
  mount_or_fail("proc", "/proc", MS_NODEV, "");
  mount_or_fail("sysfs", "/sys", MS_NODEV, "");
  mount_or_fail("tmpfs", "/run", MS_NODEV, "mode=0700,size=16m");
  const int is_nitro = on_nitro();
  if (is_nitro) prepare_nitro();
  else prepare_machine();
  mount_or_fail("configfs", "/sys/kernel/config", MS_NODEV, "");
  close_kernel();
  if (is_nitro) start_nitro();
  else start_machine();
  char line[64] = "starting the enclave after ";
  text_append_number(line, sizeof line, seconds_up());
  text_append(line, sizeof line, " s");
  say(line);
  become_node();
}
