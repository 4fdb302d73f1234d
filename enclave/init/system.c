#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/reboot.h>
#include <linux/time.h>

#include "system.h"

#define PATH_SIZE 256

long sys_open(const char *path, int flags, int mode) {
  return system_call(__NR_open, (long)path, flags | O_CLOEXEC, mode, 0, 0);
}
long sys_read(int fd, void *buffer, size_t length) { return system_call(__NR_read, fd, (long)buffer, (long)length, 0, 0); }
long sys_write(int fd, const void *buffer, size_t length) {
  return system_call(__NR_write, fd, (long)buffer, (long)length, 0, 0);
}
long sys_close(int fd) { return system_call(__NR_close, fd, 0, 0, 0, 0); }
long sys_mkdir(const char *path, int mode) { return system_call(__NR_mkdir, (long)path, mode, 0, 0, 0); }
long sys_unlink(const char *path) { return system_call(__NR_unlink, (long)path, 0, 0, 0, 0); }
long sys_rmdir(const char *path) { return system_call(__NR_rmdir, (long)path, 0, 0, 0, 0); }
long sys_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
  return system_call(__NR_mount, (long)source, (long)target, (long)type, (long)flags, (long)data);
}
long sys_fork(void) { return system_call(__NR_fork, 0, 0, 0, 0, 0); }
long sys_socket(int family, int type, int protocol) {
  return system_call(__NR_socket, family, type | SOCK_CLOEXEC, protocol, 0, 0);
}
long sys_ioctl(int fd, unsigned long request, void *argument) {
  return system_call(__NR_ioctl, fd, (long)request, (long)argument, 0, 0);
}

long sys_poll_readable(int fd, int timeout_ms) {
  struct pollfd wanted = {fd, POLLIN, 0};
  return system_call(__NR_poll, (long)&wanted, 1, timeout_ms, 0, 0);
}

void sys_exit(int status) {
  for (;;) system_call(__NR_exit_group, status, 0, 0, 0, 0);
}

__u64 seconds_up(void) {
  struct __kernel_timespec now = {0, 0};
  system_call(__NR_clock_gettime, CLOCK_BOOTTIME, (long)&now, 0, 0, 0);
  return (__u64)now.tv_sec;
}

size_t text_length(const char *text) {
  size_t length = 0;
  while (text[length] != 0) length += 1;
  return length;
}

int text_equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) {
    a += 1;
    b += 1;
  }
  return *a == *b;
}

int text_starts(const char *text, const char *prefix) {
  while (*prefix != 0) {
    if (*text != *prefix) return 0;
    text += 1;
    prefix += 1;
  }
  return 1;
}

void text_append(char *text, size_t size, const char *more) {
  size_t at = text_length(text);
  while (*more != 0 && at + 1 < size) {
    text[at] = *more;
    at += 1;
    more += 1;
  }
  text[at] = 0;
}

void text_append_number(char *text, size_t size, __u64 number) {
  char digits[21];
  int at = 20;
  digits[at] = 0;
  do {
    at -= 1;
    digits[at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  text_append(text, size, digits + at);
}

void *memset(void *target, int value, size_t length) {
  for (size_t i = 0; i < length; i += 1) ((volatile __u8 *)target)[i] = (__u8)value;
  return target;
}

void *memcpy(void *target, const void *source, size_t length) {
  for (size_t i = 0; i < length; i += 1) ((volatile __u8 *)target)[i] = ((const __u8 *)source)[i];
  return target;
}

/* Compilers call it to assign structures, which do not overlap in part. */
void *memmove(void *target, const void *source, size_t length) { return memcpy(target, source, length); }

int bytes_equal(const void *a, const void *b, size_t length) {
  for (size_t i = 0; i < length; i += 1) {
    if (((const __u8 *)a)[i] != ((const __u8 *)b)[i]) return 0;
  }
  return 1;
}

static void console(const char *subject, const char *message) {
  char line[512] = "adyton-init: ";
  text_append(line, sizeof line, subject);
  if (*subject != 0) text_append(line, sizeof line, ": ");
  text_append(line, sizeof line - 1, message);
  text_append(line, sizeof line, "\n");
  sys_write(1, line, text_length(line));
}

void say(const char *message) { console("", message); }
void say_about(const char *subject, const char *message) { console(subject, message); }

void fail(const char *message) {
  say(message);
  say("powering off");
  // Consoles drain on their own time: the line must be read before the machine is gone.
  struct __kernel_timespec second = {1, 0};
  system_call(__NR_nanosleep, (long)&second, 0, 0, 0, 0);
  system_call(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0, 0);
  system_call(__NR_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, 0, 0);
  sys_exit(1);
}

long read_file(const char *path, void *buffer, size_t size) {
  long fd = sys_open(path, O_RDONLY, 0);
  if (fd < 0) return fd;
  size_t length = 0;
  long got = 1;
  while (length < size && (got = sys_read((int)fd, (__u8 *)buffer + length, size - length)) > 0) length += (size_t)got;
  sys_close((int)fd);
  return got < 0 ? got : (long)length;
}

long write_file(const char *path, const void *bytes, size_t length, int mode) {
  long fd = sys_open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (fd < 0) return fd;
  size_t written = 0;
  long put = 0;
  while (written < length && (put = sys_write((int)fd, (const __u8 *)bytes + written, length - written)) > 0) {
    written += (size_t)put;
  }
  sys_close((int)fd);
  return written == length ? 0 : put < 0 ? put : -EIO;
}

struct directory_entry { /* linux/dirent.h, which is not exported: getdents64(2) */
  __u64 inode;
  __s64 offset;
  __u16 length;
  __u8 type;
  char name[];
};

long each_entry(const char *folder, long (*visit)(const char *name, void *context), void *context) {
  long fd = sys_open(folder, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) return fd;
  __u64 buffer[512];
  long result = 0, got;
  while (result == 0 && (got = system_call(__NR_getdents64, fd, (long)buffer, sizeof buffer, 0, 0)) > 0) {
    for (long at = 0; result == 0 && at < got;) {
      const struct directory_entry *entry = (const struct directory_entry *)((const __u8 *)buffer + at);
      if (!text_equal(entry->name, ".") && !text_equal(entry->name, "..")) result = visit(entry->name, context);
      at += entry->length;
    }
  }
  sys_close((int)fd);
  return result;
}
