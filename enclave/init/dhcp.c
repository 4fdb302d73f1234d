#include <asm/unistd.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/route.h>
#include <linux/sockios.h>
#include <linux/time.h>

#include "dhcp-message.h"
#include "dhcp.h"

#define RESOLVER "/etc/resolv.conf"
#define RESOLVER_NEXT "/etc/resolv.conf.next"
#define INFINITE 0xffffffffu
/* Seconds: a lease without a time, and the least between two questions (a server may give leases of a second). */
#define UNSTATED 3600
#define LEAST_PAUSE 1
/* Seconds to wait for a reply. */
#define PATIENCE 2

struct device {
  const char *name;
  int index;
  __u8 hardware[6];
  /* What is in force; all zeros without a lease. */
  struct lease lease;
  __u32 transaction;
};

static void name_device(struct ifreq *request, const char *name) {
  memset(request, 0, sizeof *request);
  text_append(request->ifr_name, sizeof request->ifr_name, name);
}

static void pause_seconds(__u64 seconds) {
  struct __kernel_timespec wanted = {(__kernel_time64_t)seconds, 0};
  system_call(__NR_nanosleep, (long)&wanted, 0, 0, 0, 0);
}

static void append_address(char *text, size_t size, __u32 address) {
  const __u8 *parts = (const __u8 *)&address;
  for (int i = 0; i < 4; i += 1) {
    if (i > 0) text_append(text, size, ".");
    text_append_number(text, size, parts[i]);
  }
}

static struct sockaddr inet(__u32 address) {
  union {
    struct sockaddr plain;
    struct sockaddr_in inet;
  } result;
  memset(&result, 0, sizeof result);
  result.inet.sin_family = AF_INET;
  result.inet.sin_addr.s_addr = address;
  return result.plain;
}

/* All IPv4 traffic of the device, from now on: open only while a reply is awaited. */
static int open_packets(const struct device *device) {
  const __u16 ip = (__u16)(ETH_P_IP >> 8 | ETH_P_IP << 8);
  const long fd = sys_socket(AF_PACKET, SOCK_DGRAM, ip);
  if (fd < 0) return -1;
  struct sockaddr_ll address;
  memset(&address, 0, sizeof address);
  address.sll_family = AF_PACKET;
  address.sll_protocol = ip;
  address.sll_ifindex = device->index;
  if (system_call(__NR_bind, fd, (long)&address, sizeof address, 0, 0) < 0) {
    sys_close((int)fd);
    return -1;
  }
  return (int)fd;
}

static void send_query(int fd, const struct device *device, const struct dhcp_query *query) {
  __u8 packet[DHCP_PACKET_SIZE];
  const size_t length = write_dhcp_query(query, packet);
  struct sockaddr_ll target;
  memset(&target, 0, sizeof target);
  target.sll_family = AF_PACKET;
  target.sll_protocol = (__u16)(ETH_P_IP >> 8 | ETH_P_IP << 8);
  target.sll_ifindex = device->index;
  target.sll_halen = 6;
  memset(target.sll_addr, 0xff, 6);
  /* sendto has six arguments: connect the family's way instead, by writing through a bound message. */
  struct {
    void *base;
    size_t length;
  } part = {packet, length};
  struct {
    void *name;
    __u64 name_length;
    void *parts;
    size_t count;
    void *control;
    size_t control_length;
    __u64 flags;
  } message = {&target, sizeof target, &part, 1, NULL, 0, 0};
  system_call(__NR_sendmsg, fd, (long)&message, 0, 0, 0);
}

/* Waits for a reply of one of two types. Returns 1 with it in `reply`, 0 when none came in time. */
static int await_reply(int fd, const struct dhcp_query *query, __u8 wanted, __u8 other, struct lease *reply) {
  __u8 packet[DHCP_PACKET_SIZE];
  const __u64 until = seconds_up() + PATIENCE;
  for (__u64 now = seconds_up(); now <= until; now = seconds_up()) {
    if (sys_poll_readable(fd, (int)(until - now + 1) * 1000) <= 0) return 0;
    const long length = sys_read(fd, packet, sizeof packet);
    if (length <= 0 || !read_dhcp_reply(packet, (size_t)length, query, reply)) continue;
    if (reply->type == wanted || reply->type == other) return 1;
  }
  return 0;
}

static int exchange(const struct device *device, const struct dhcp_query *query, __u8 wanted, __u8 other, struct lease *reply) {
  const int fd = open_packets(device);
  if (fd < 0) return 0;
  send_query(fd, device, query);
  const int answered = await_reply(fd, query, wanted, other, reply);
  sys_close(fd);
  return answered;
}

static struct dhcp_query new_query(struct device *device, __u8 type) {
  struct dhcp_query query;
  memset(&query, 0, sizeof query);
  query.type = type;
  query.transaction = ++device->transaction;
  memcpy(query.hardware, device->hardware, sizeof query.hardware);
  return query;
}

static void set_address(int fd, const struct device *device, unsigned long what, __u32 address) {
  struct ifreq request;
  name_device(&request, device->name);
  request.ifr_addr = inet(address);
  sys_ioctl(fd, what, &request);
}

static void add_route(int fd, const struct device *device, __u32 target, __u32 mask, __u32 gateway) {
  struct rtentry route;
  memset(&route, 0, sizeof route);
  route.rt_dst = inet(target);
  route.rt_genmask = inet(mask);
  route.rt_gateway = inet(gateway);
  route.rt_flags = (unsigned short)(RTF_UP | (gateway == 0 ? 0 : RTF_GATEWAY) | (mask == INFINITE ? RTF_HOST : 0));
  route.rt_dev = (char *)(unsigned long)device->name;
  sys_ioctl(fd, SIOCADDRT, &route);
}

static void write_name_servers(const struct lease *lease) {
  char text[256] = "";
  for (int i = 0; i < DHCP_NAME_SERVERS && lease->name_servers[i] != 0; i += 1) {
    text_append(text, sizeof text, "nameserver ");
    append_address(text, sizeof text, lease->name_servers[i]);
    text_append(text, sizeof text, "\n");
  }
  /* At once: a resolver that reads half a file would have no server. */
  if (write_file(RESOLVER_NEXT, text, text_length(text), 0444) == 0) {
    system_call(__NR_rename, (long)RESOLVER_NEXT, (long)RESOLVER, 0, 0, 0);
  }
}

static int same_network(const struct lease *a, const struct lease *b) {
  return a->address == b->address && a->netmask == b->netmask && a->router == b->router && a->mtu == b->mtu;
}

/* An address, a way out and name servers: what a network says, whosever it is. Taking address 0 takes the routes with it. */
static void apply(struct device *device, const struct lease *next) {
  const long fd = sys_socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return;
  if (!same_network(&device->lease, next)) {
    set_address((int)fd, device, SIOCSIFADDR, 0);
    if (next->mtu >= 576 && next->mtu <= 9000) {
      struct ifreq request;
      name_device(&request, device->name);
      request.ifr_mtu = next->mtu;
      sys_ioctl((int)fd, SIOCSIFMTU, &request);
    }
    if (next->address != 0) {
      set_address((int)fd, device, SIOCSIFADDR, next->address);
      if (next->netmask != 0) set_address((int)fd, device, SIOCSIFNETMASK, next->netmask);
      if (next->router != 0) {
        /* The way to the router itself: clouds give an address whose network is that address alone. */
        add_route((int)fd, device, next->router, INFINITE, 0);
        add_route((int)fd, device, 0, 0, next->router);
      }
      char line[64] = "address ";
      append_address(line, sizeof line, next->address);
      say_about(device->name, line);
    }
  }
  if (next->address != 0) write_name_servers(next);
  sys_close((int)fd);
  device->lease = *next;
}

/* Not an address of somebody else's, nor of this machine's own loopback. */
static int usable(const struct lease *lease) {
  const __u8 first = *(const __u8 *)&lease->address;
  return first != 0 && first != 127 && first < 224;
}

static int obtain(struct device *device) {
  struct lease offer, answer;
  struct dhcp_query query = new_query(device, DHCP_DISCOVER);
  if (!exchange(device, &query, DHCP_OFFER, DHCP_OFFER, &offer) || !usable(&offer)) return 0;
  query.type = DHCP_REQUEST;
  query.address = offer.address;
  query.server = offer.server;
  if (!exchange(device, &query, DHCP_ACK, DHCP_NAK, &answer)) return 0;
  if (answer.type != DHCP_ACK || !usable(&answer)) return 0;
  apply(device, &answer);
  return 1;
}

/* 1 renewed, 0 no answer, -1 refused. As in the state REBINDING (RFC 2131 §4.3.2), which any server of the network answers. */
static int renew(struct device *device) {
  struct lease answer;
  struct dhcp_query query = new_query(device, DHCP_REQUEST);
  query.current = device->lease.address;
  if (!exchange(device, &query, DHCP_ACK, DHCP_NAK, &answer)) return 0;
  if (answer.type != DHCP_ACK || !usable(&answer)) return -1;
  apply(device, &answer);
  return 1;
}

/* Returns when the lease is lost. */
static void hold(struct device *device) {
  __u64 since = seconds_up();
  for (;;) {
    const __u64 term = device->lease.seconds == 0 ? UNSTATED : device->lease.seconds;
    if (term == INFINITE) {
      pause_seconds(24 * 3600);
      continue;
    }
    const __u64 end = since + term, now = seconds_up();
    /* Half of the lease, then half of what is left, as RFC 2131 §4.4.5 has it. */
    const __u64 left = end > now ? end - now : 0, wait = left / 2;
    if (left <= LEAST_PAUSE) return;
    pause_seconds(wait < LEAST_PAUSE ? LEAST_PAUSE : wait);
    const __u64 asked = seconds_up();
    const int renewed = renew(device);
    if (renewed < 0) return;
    if (renewed > 0) since = asked;
  }
}

static int open_device(struct device *device) {
  const long fd = sys_socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return 0;
  struct ifreq request;
  name_device(&request, device->name);
  long failed = sys_ioctl((int)fd, SIOCGIFINDEX, &request);
  device->index = request.ifr_ifindex;
  name_device(&request, device->name);
  failed |= sys_ioctl((int)fd, SIOCGIFHWADDR, &request);
  memcpy(device->hardware, request.ifr_hwaddr.sa_data, sizeof device->hardware);
  const int ethernet = request.ifr_hwaddr.sa_family == ARPHRD_ETHER;
  name_device(&request, device->name);
  request.ifr_flags = IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST;
  failed |= sys_ioctl((int)fd, SIOCSIFFLAGS, &request);
  sys_close((int)fd);
  return failed == 0 && ethernet;
}

void keep_lease(const char *name, int ready) {
  struct device device;
  memset(&device, 0, sizeof device);
  device.name = name;
  if (!open_device(&device)) {
    say_about(name, "not a network device that DHCP works on");
    sys_exit(1);
  }
  system_call(__NR_getrandom, (long)&device.transaction, sizeof device.transaction, 0, 0, 0);
  const struct lease none = {0};
  for (__u64 wait = 0;; wait = wait < 16 ? wait * 2 + 1 : 16) {
    if (wait > 0) pause_seconds(wait);
    if (!obtain(&device)) continue;
    if (ready >= 0) {
      sys_write(ready, "", 1);
      sys_close(ready);
      ready = -1;
    }
    hold(&device);
    say_about(name, "the lease was lost");
    apply(&device, &none);
    wait = 0;
  }
}
