/* The kernel's calls and the few functions that replace a libc. All return what the kernel does: a negative errno on failure. */

#ifndef ADYTON_SYSTEM_H
#define ADYTON_SYSTEM_H

#include <linux/types.h>

typedef unsigned long size_t;

#define NULL ((void *)0)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Of POSIX and not in the kernel's own headers (asm-generic/socket.h has the options). */
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_CLOEXEC 02000000
#define SOCK_NONBLOCK 04000
#define AF_UNSPEC 0
#define AF_INET 2
#define AF_PACKET 17
#define AF_VSOCK 40
#define SHUT_WR 1

long system_call(long number, long a, long b, long c, long d, long e);

long sys_open(const char *path, int flags, int mode);
long sys_read(int fd, void *buffer, size_t length);
long sys_write(int fd, const void *buffer, size_t length);
long sys_close(int fd);
long sys_mkdir(const char *path, int mode);
long sys_unlink(const char *path);
long sys_rmdir(const char *path);
long sys_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
long sys_fork(void);
long sys_socket(int family, int type, int protocol);
long sys_ioctl(int fd, unsigned long request, void *argument);
long sys_poll_readable(int fd, int timeout_ms);
void sys_exit(int status) __attribute__((noreturn));

/* Seconds since the machine started, suspension included. */
__u64 seconds_up(void);

size_t text_length(const char *text);
int text_equal(const char *a, const char *b);
int text_starts(const char *text, const char *prefix);
/* Appends `more` to what is in `text`, never past `size`, always ended by a zero. */
void text_append(char *text, size_t size, const char *more);
void text_append_number(char *text, size_t size, __u64 number);
void *memset(void *target, int value, size_t length);
void *memmove(void *target, const void *source, size_t length);
void *memcpy(void *target, const void *source, size_t length);
int bytes_equal(const void *a, const void *b, size_t length);

/* Writes a line to the console: `adyton-init: …`. */
void say(const char *message);
void say_about(const char *subject, const char *message);
/* Says why and powers the machine off: there is no state in which something else runs. */
void fail(const char *message) __attribute__((noreturn));

/* The file's bytes up to `size`; the number read, or a negative errno. */
long read_file(const char *path, void *buffer, size_t size);
long write_file(const char *path, const void *bytes, size_t length, int mode);

/* Calls `visit` with the name of each entry of a folder but `.` and `..`, until it returns something else than 0; returns that. */
long each_entry(const char *folder, long (*visit)(const char *name, void *context), void *context);

#endif
