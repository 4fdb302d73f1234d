/*
 * AWS Nitro: what reaches the enclave comes over vsock from its parent. Who listens where: docs/how-to/deploy-on-nitro.md. The
 * parent is the host and believed in nothing: it carries bytes of TLS that the enclave itself ends or begins.
 */

#include <asm/unistd.h>
#include <linux/errno.h>

#include "image.h"
#include "nitro.h"
#include "operator-file.h"
#include "tunnel.h"
#include "vsock.h"

#define PLATFORM "adyton.platform=nitro"

/* Of nitro-cli: aws-nitro-enclaves-sdk-bootstrap, init/init.c. */
#define HEARTBEAT_PORT 9000
#define HEARTBEAT 0xb7

#define OPERATOR_PORT 7000
#define OPERATOR_PATIENCE_MS 120000
#define API_PORT 8443
/* The first host's; the next has the next one (tools/image/nitro-egress.ts writes the parent's side). */
#define EGRESS_PORT 20000
#define MAX_EGRESS 32

/* "host port", and an empty text after the last. The builder writes image.h. */
static const char *const EGRESS[] = {EGRESS_HOSTS};

int on_nitro(void) {
  char line[2048];
  const long length = read_file("/proc/cmdline", line, sizeof line - 1);
  if (length < 0) return 0;
  line[length] = 0;
  const size_t size = text_length(PLATFORM);
  for (size_t at = 0; line[at] != 0; at += 1) {
    if ((at == 0 || line[at - 1] == ' ') && text_starts(line + at, PLATFORM) && (__u8)line[at + size] <= ' ') return 1;
  }
  return 0;
}

void beat_heart(void) {
  __u8 beat = HEARTBEAT;
  const long fd = vsock_connect(PARENT, HEARTBEAT_PORT, 0);
  if (fd < 0) fail("the parent does not listen for the heartbeat (vsock 3:9000): start the enclave with nitro-cli");
  if (sys_write((int)fd, &beat, 1) != 1 || sys_read((int)fd, &beat, 1) != 1 || beat != HEARTBEAT)
    fail("the parent does not answer the heartbeat as nitro-cli does");
  sys_close((int)fd);
}

static __u16 parse_port(const char *text) {
  __u32 port = 0;
  while (*text >= '0' && *text <= '9' && port < 65536) {
    port = port * 10 + (__u32)(*text - '0');
    text += 1;
  }
  return *text == 0 && port < 65536 ? (__u16)port : 0;
}

/* 127.0.1.1, 127.0.1.2, …: all of 127/8 is this machine's. */
static __u32 address_of(int host) { return 0x7f | 1 << 16 | (__u32)(host + 1) << 24; }

static void name_host(char *hosts, size_t size, int host, const char *name) {
  text_append(hosts, size, "127.0.1.");
  text_append_number(hosts, size, (__u64)host + 1);
  text_append(hosts, size, " ");
  text_append(hosts, size, name);
  text_append(hosts, size, "\n");
}

static void open_host(int host, const char *entry, char *hosts, size_t size) {
  char name[256] = "";
  text_append(name, sizeof name, entry);
  size_t at = 0;
  while (name[at] != 0 && name[at] != ' ') at += 1;
  const __u16 port = name[at] == 0 ? 0 : parse_port(name + at + 1);
  name[at] = 0;
  if (port == 0 || host >= MAX_EGRESS) fail("the image's list of hosts is not one");
  name_host(hosts, size, host, name);
  if (open_outward(address_of(host), port, EGRESS_PORT + (__u32)host) < 0) {
    say_about(name, "no way to it can be opened");
    fail("the kernel lacks what a way to the parent needs");
  }
}

void start_tunnel(const char *hosts_file) {
  static char hosts[MAX_EGRESS * 300];
  text_append(hosts, sizeof hosts, "127.0.0.1 localhost\n");
  for (int host = 0; *EGRESS[host] != 0; host += 1) open_host(host, EGRESS[host], hosts, sizeof hosts);
  if (write_file(hosts_file, hosts, text_length(hosts), 0444) != 0) fail("the hosts' addresses cannot be written");
  if (open_inward(API_PORT, API_PORT) < 0) fail("the kernel has no vsock, or its port 8443 is taken");
  const long child = sys_fork();
  if (child < 0) fail("the kernel cannot start a process");
  if (child == 0) carry();
}

/* All that one connection sends, up to a byte more than is taken. */
static long receive(int fd) {
  size_t length = 0;
  long got = 1;
  while (length < sizeof operator_file && (got = sys_read(fd, operator_file + length, sizeof operator_file - length)) > 0)
    length += (size_t)got;
  return got < 0 ? got : (long)length;
}

void receive_operator_file(const char *target) {
  const long listener = vsock_listen(OPERATOR_PORT);
  if (listener < 0) fail("the kernel has no vsock, or its port 7000 is taken");
  while (sys_poll_readable((int)listener, OPERATOR_PATIENCE_MS) > 0) {
    const long fd = vsock_accept((int)listener, PARENT, 0);
    if (fd < 0) continue;
    const long length = receive((int)fd);
    sys_close((int)fd);
    if (length > 0 && keep_operator_file(target, "vsock", length)) {
      sys_close((int)listener);
      return;
    }
    say("what came to vsock port 7000 is no JSON object: send the operator file");
  }
  fail("no operator file: the parent has to send it to the enclave's vsock port 7000");
}
