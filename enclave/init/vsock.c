#include <asm/unistd.h>
#include <linux/errno.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include "vsock.h"

#define BACKLOG 64

static struct sockaddr_vm address(__u32 cid, __u32 port) {
  struct sockaddr_vm result;
  memset(&result, 0, sizeof result);
  result.svm_family = AF_VSOCK;
  result.svm_cid = cid;
  result.svm_port = port;
  return result;
}

long vsock_connect(__u32 cid, __u32 port, int flags) {
  const struct sockaddr_vm target = address(cid, port);
  const long fd = sys_socket(AF_VSOCK, SOCK_STREAM | flags, 0);
  if (fd < 0) return fd;
  const long result = system_call(__NR_connect, fd, (long)&target, sizeof target, 0, 0);
  if (result == 0 || result == -EINPROGRESS) return fd;
  sys_close((int)fd);
  return result;
}

long vsock_listen(__u32 port) {
  const struct sockaddr_vm own = address(VMADDR_CID_ANY, port);
  const long fd = sys_socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  long result = system_call(__NR_bind, fd, (long)&own, sizeof own, 0, 0);
  if (result == 0) result = system_call(__NR_listen, fd, BACKLOG, 0, 0, 0);
  if (result == 0) return fd;
  sys_close((int)fd);
  return result;
}

long vsock_accept(int listener, __u32 cid, int flags) {
  struct sockaddr_vm peer;
  int length = sizeof peer;
  const long fd = system_call(__NR_accept4, listener, (long)&peer, (long)&length, flags | SOCK_CLOEXEC, 0);
  if (fd < 0 || peer.svm_cid == cid) return fd;
  sys_close((int)fd);
  return -EACCES;
}
