/* Runs enclave/init's reader of DHCP replies over packets from stdin: a length of two bytes, big-endian, then the packet. */

#include "dhcp-message.h"

long read(int fd, void *buffer, unsigned long length);
int printf(const char *format, ...);
int fflush(void *stream);
void *malloc(unsigned long size);
void free(void *memory);

static int take(void *buffer, unsigned long length) {
  unsigned long done = 0;
  while (done < length) {
    const long got = read(0, (char *)buffer + done, length - done);
    if (got <= 0) return 0;
    done += (unsigned long)got;
  }
  return 1;
}

int main(void) {
  struct dhcp_query query;
  memset(&query, 0, sizeof query);
  query.type = DHCP_REQUEST;
  query.transaction = 0x04030201;
  for (int i = 0; i < 6; i += 1) query.hardware[i] = (__u8)(0x50 + i);
  query.current = 0x0100090a;
  __u8 packet[DHCP_PACKET_SIZE];
  const size_t length = write_dhcp_query(&query, packet);
  for (size_t i = 0; i < length; i += 1) printf("%02x", packet[i]);
  printf("\n");
  __u8 size[2];
  while (take(size, sizeof size)) {
    const unsigned long bytes = (unsigned long)size[0] << 8 | size[1];
    /* Of its own size, so that a byte too far is found. */
    __u8 *content = malloc(bytes == 0 ? 1 : bytes);
    if (!take(content, bytes)) return 1;
    struct lease lease;
    if (read_dhcp_reply(content, bytes, &query, &lease)) {
      printf("%u %08x %08x %08x %08x %u %u\n", lease.type, lease.address, lease.netmask, lease.router, lease.name_servers[0],
             lease.seconds, lease.mtu);
    } else {
      printf("none\n");
    }
    free(content);
  }
  fflush((void *)0);
  return 0;
}
