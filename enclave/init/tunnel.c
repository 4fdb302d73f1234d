#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/poll.h>
#include <linux/signal.h>

#include "tunnel.h"
#include "vsock.h"

#define MAX_DOORS 33
#define MAX_CONNECTIONS 128
#define BUFFER_SIZE 16384
#define BACKLOG 64
#define LOOPBACK 0x0100007f /* 127.0.0.1 in network order, on a little-endian machine */

/* Where connections come in, and where each of them goes. */
struct door {
  int listener;
  int inward;
  __u32 vsock_port;
  __u16 tcp_port;
};

/* Bytes that were read from one end and are not written to the other. */
struct way {
  size_t start, end;
  int ended; /* Nothing more is read. */
  int shut;  /* The other end was told so. */
  __u8 buffer[BUFFER_SIZE];
};

struct connection {
  int used;
  int ends[2];
  struct way ways[2]; /* From ends[i] to ends[1 - i]. */
};

static struct door doors[MAX_DOORS];
static int door_count;
static struct connection connections[MAX_CONNECTIONS];
static struct pollfd wanted[MAX_DOORS + 2 * MAX_CONNECTIONS];

static struct sockaddr_in tcp_address(__u32 address, __u16 port) {
  struct sockaddr_in result;
  memset(&result, 0, sizeof result);
  result.sin_family = AF_INET;
  result.sin_port = (__be16)(port >> 8 | port << 8);
  result.sin_addr.s_addr = address;
  return result;
}

static long tcp_listen(__u32 address, __u16 port) {
  const struct sockaddr_in own = tcp_address(address, port);
  const long fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  long result = system_call(__NR_bind, fd, (long)&own, sizeof own, 0, 0);
  if (result == 0) result = system_call(__NR_listen, fd, BACKLOG, 0, 0, 0);
  if (result == 0) return fd;
  sys_close((int)fd);
  return result;
}

static long tcp_connect(__u32 address, __u16 port) {
  const struct sockaddr_in target = tcp_address(address, port);
  const long fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) return fd;
  const long result = system_call(__NR_connect, fd, (long)&target, sizeof target, 0, 0);
  if (result == 0 || result == -EINPROGRESS) return fd;
  sys_close((int)fd);
  return result;
}

static long add_door(long listener, int inward, __u32 vsock_port, __u16 tcp_port) {
  if (listener < 0) return listener;
  if (door_count == MAX_DOORS) return -ENOSPC;
  const struct door door = {(int)listener, inward, vsock_port, tcp_port};
  doors[door_count] = door;
  door_count += 1;
  return 0;
}

long open_inward(__u32 port, __u16 tcp_port) { return add_door(vsock_listen(port), 1, port, tcp_port); }
long open_outward(__u32 address, __u16 tcp_port, __u32 port) {
  return add_door(tcp_listen(address, tcp_port), 0, port, tcp_port);
}

static struct connection *free_connection(void) {
  for (int i = 0; i < MAX_CONNECTIONS; i += 1) {
    if (!connections[i].used) return &connections[i];
  }
  return NULL;
}

static void end(struct connection *connection) {
  for (int i = 0; i < 2; i += 1) sys_close(connection->ends[i]);
  connection->used = 0;
}

static void enter(const struct door *door) {
  struct connection *connection = free_connection();
  /* It waits in the listener's queue until another has ended. */
  if (connection == NULL) return;
  const long near = door->inward ? vsock_accept(door->listener, PARENT, SOCK_NONBLOCK)
                                 : system_call(__NR_accept4, door->listener, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (near < 0) return;
  const long far = door->inward ? tcp_connect(LOOPBACK, door->tcp_port) : vsock_connect(PARENT, door->vsock_port, SOCK_NONBLOCK);
  if (far < 0) {
    sys_close((int)near);
    return;
  }
  connection->used = 1;
  connection->ends[0] = (int)near;
  connection->ends[1] = (int)far;
  for (int i = 0; i < 2; i += 1) {
    struct way *way = &connection->ways[i];
    way->start = way->end = 0;
    way->ended = way->shut = 0;
  }
}

/* 0 when the connection is over. */
static int fill(struct connection *connection, int from) {
  struct way *way = &connection->ways[from];
  const long got = sys_read(connection->ends[from], way->buffer, BUFFER_SIZE);
  if (got == -EAGAIN || got == -EINTR) return 1;
  if (got < 0) return 0;
  way->start = 0;
  way->end = (size_t)got;
  way->ended = got == 0;
  return 1;
}

static int drain(struct connection *connection, int from) {
  struct way *way = &connection->ways[from];
  const long put = sys_write(connection->ends[1 - from], way->buffer + way->start, way->end - way->start);
  if (put == -EAGAIN || put == -EINTR) return 1;
  if (put < 0) return 0;
  way->start += (size_t)put;
  return 1;
}

/* Passes on what an end said last: that it says no more. 0 when both have. */
static int close_ways(struct connection *connection) {
  for (int from = 0; from < 2; from += 1) {
    struct way *way = &connection->ways[from];
    if (!way->ended || way->shut || way->start < way->end) continue;
    system_call(__NR_shutdown, connection->ends[1 - from], SHUT_WR, 0, 0, 0);
    way->shut = 1;
  }
  return !(connection->ways[0].shut && connection->ways[1].shut);
}

static short events_of(const struct connection *connection, int at) {
  const struct way *out = &connection->ways[at], *in = &connection->ways[1 - at];
  short events = 0;
  if (!out->ended && out->start == out->end) events |= POLLIN;
  if (in->start < in->end) events |= POLLOUT;
  return events;
}

static void ask(struct pollfd *slot, int fd, short events) {
  /* An end that nothing is wanted of would be reported as hung up over and over. */
  slot->fd = events == 0 ? -1 : fd;
  slot->events = events;
  slot->revents = 0;
}

static void move(struct connection *connection, const struct pollfd *slots) {
  for (int at = 0; at < 2; at += 1) {
    const short seen = slots[at].revents, asked = slots[at].events;
    if (seen == 0) continue;
    const int readable = (asked & POLLIN) != 0 && (seen & (POLLIN | POLLHUP | POLLERR)) != 0;
    const int writable = (asked & POLLOUT) != 0 && (seen & (POLLOUT | POLLHUP | POLLERR)) != 0;
    if ((readable && !fill(connection, at)) || (writable && !drain(connection, 1 - at))) {
      end(connection);
      return;
    }
  }
  if (!close_ways(connection)) end(connection);
}

/* Whoever has gone must not end this process. As the kernel lays a handler out on x86-64. */
static void ignore_broken_pipes(void) {
  const struct {
    __u64 handler, flags, restorer, mask;
  } ignore = {1, 0, 0, 0};
  system_call(__NR_rt_sigaction, SIGPIPE, (long)&ignore, 0, sizeof ignore.mask, 0);
}

void carry(void) {
  ignore_broken_pipes();
  for (;;) {
    const int full = free_connection() == NULL;
    for (int i = 0; i < door_count; i += 1) ask(&wanted[i], doors[i].listener, full ? 0 : POLLIN);
    struct pollfd *const slots = wanted + door_count;
    for (int i = 0; i < MAX_CONNECTIONS; i += 1) {
      for (int at = 0; at < 2; at += 1) {
        const struct connection *connection = &connections[i];
        ask(&slots[2 * i + at], connection->ends[at], connection->used ? events_of(connection, at) : 0);
      }
    }
    if (system_call(__NR_poll, (long)wanted, door_count + 2 * MAX_CONNECTIONS, -1, 0, 0) < 0) continue;
    for (int i = 0; i < MAX_CONNECTIONS; i += 1) {
      if (connections[i].used) move(&connections[i], &slots[2 * i]);
    }
    for (int i = 0; i < door_count; i += 1) {
      if (wanted[i].revents != 0) enter(&doors[i]);
    }
  }
}
