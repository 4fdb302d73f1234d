/*
 * A fake of vsock: sockets of a folder in its place, where there is no parent. `parent-PORT` is what the parent listens on,
 * `enclave-PORT` what the enclave does. Streams, half closed ends and refused connections are as with vsock; whose a connection is, is not.
 */

#include <asm/unistd.h>
#include <linux/errno.h>
#include <sys/socket.h>

#include <linux/un.h>

#include "vsock.h"

#define BACKLOG 64

extern const char *fake_folder;

static struct sockaddr_un address(const char *side, __u32 port) {
  struct sockaddr_un result;
  memset(&result, 0, sizeof result);
  result.sun_family = 1;
  text_append(result.sun_path, sizeof result.sun_path, fake_folder);
  text_append(result.sun_path, sizeof result.sun_path, side);
  text_append_number(result.sun_path, sizeof result.sun_path, port);
  return result;
}

long vsock_connect(__u32 cid, __u32 port, int flags) {
  if (cid != PARENT) return -EACCES;
  const struct sockaddr_un target = address("/parent-", port);
  const long fd = sys_socket(1, SOCK_STREAM | flags, 0);
  if (fd < 0) return fd;
  const long result = system_call(__NR_connect, fd, (long)&target, sizeof target, 0, 0);
  if (result == 0) return fd;
  sys_close((int)fd);
  return result;
}

long vsock_listen(__u32 port) {
  const struct sockaddr_un own = address("/enclave-", port);
  const long fd = sys_socket(1, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  long result = system_call(__NR_bind, fd, (long)&own, sizeof own, 0, 0);
  if (result == 0) result = system_call(__NR_listen, fd, BACKLOG, 0, 0, 0);
  if (result == 0) return fd;
  sys_close((int)fd);
  return result;
}

long vsock_accept(int listener, __u32 cid, int flags) {
  if (cid != PARENT) return -EACCES;
  return system_call(__NR_accept4, listener, 0, 0, flags | SOCK_CLOEXEC, 0);
}
