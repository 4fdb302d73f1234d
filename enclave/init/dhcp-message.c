#include "dhcp-message.h"

/* Offsets inside the IPv4 packet of a query, whose header has no options: RFC 791 §3.1, RFC 768, RFC 2131 §2. */
enum {
  IP_LENGTH = 20,
  UDP_LENGTH = 8,
  BOOTP_OP = 0,
  BOOTP_TRANSACTION = 4,
  BOOTP_FLAGS = 10,
  BOOTP_CURRENT = 12,
  BOOTP_YOURS = 16,
  BOOTP_HARDWARE = 28,
  BOOTP_COOKIE = 236,
  BOOTP_OPTIONS = 240,
  QUERY_LENGTH = 300, /* RFC 1542 §2.1: relays drop less */
};

enum { REQUEST = 1, REPLY = 2, SERVER_PORT = 67, CLIENT_PORT = 68, UDP = 17 };

/* RFC 2132 */
enum {
  OPTION_PAD = 0,
  OPTION_NETMASK = 1,
  OPTION_ROUTER = 3,
  OPTION_NAME_SERVERS = 6,
  OPTION_MTU = 26,
  OPTION_ADDRESS = 50,
  OPTION_SECONDS = 51,
  OPTION_TYPE = 53,
  OPTION_SERVER = 54,
  OPTION_WANTED = 55,
  OPTION_CLIENT = 61,
  OPTION_END = 255,
};

static const __u8 COOKIE[4] = {99, 130, 83, 99};
/* Some servers (Debian's, Google's) send only what was asked for. */
static const __u8 WANTED[] = {OPTION_NETMASK, OPTION_ROUTER, OPTION_NAME_SERVERS, OPTION_MTU};

static __u16 read_u16(const __u8 *at) { return (__u16)(at[0] << 8 | at[1]); }
static __u32 read_u32(const __u8 *at) { return (__u32)read_u16(at) << 16 | read_u16(at + 2); }
static __u32 read_address(const __u8 *at) {
  __u32 address;
  memcpy(&address, at, sizeof address);
  return address;
}

static void write_u16(__u8 *at, __u32 value) {
  at[0] = (__u8)(value >> 8);
  at[1] = (__u8)value;
}

/* RFC 1071 */
static __u32 sum(__u32 total, const __u8 *bytes, size_t length) {
  for (size_t i = 0; i + 1 < length; i += 2) total += read_u16(bytes + i);
  if (length % 2 == 1) total += (__u32)bytes[length - 1] << 8;
  return total;
}
static __u16 checksum(__u32 total) {
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return (__u16)~total;
}

static size_t put_option(__u8 *bootp, size_t at, __u8 code, const void *value, __u8 length) {
  bootp[at] = code;
  bootp[at + 1] = length;
  memcpy(bootp + at + 2, value, length);
  return at + 2 + length;
}

size_t write_dhcp_query(const struct dhcp_query *query, __u8 *packet) {
  const size_t total = IP_LENGTH + UDP_LENGTH + QUERY_LENGTH;
  memset(packet, 0, total);
  __u8 *udp = packet + IP_LENGTH, *bootp = udp + UDP_LENGTH;

  bootp[BOOTP_OP] = REQUEST;
  bootp[BOOTP_OP + 1] = 1; /* Ethernet, */
  bootp[BOOTP_OP + 2] = 6; /* whose addresses have six bytes */
  memcpy(bootp + BOOTP_TRANSACTION, &query->transaction, sizeof query->transaction);
  /* Without an address yet, a reply can only be broadcast to us. */
  if (query->current == 0) bootp[BOOTP_FLAGS] = 0x80;
  memcpy(bootp + BOOTP_CURRENT, &query->current, sizeof query->current);
  memcpy(bootp + BOOTP_HARDWARE, query->hardware, sizeof query->hardware);
  memcpy(bootp + BOOTP_COOKIE, COOKIE, sizeof COOKIE);
  __u8 client[7] = {1};
  memcpy(client + 1, query->hardware, sizeof query->hardware);
  size_t at = put_option(bootp, BOOTP_OPTIONS, OPTION_TYPE, &query->type, 1);
  at = put_option(bootp, at, OPTION_CLIENT, client, sizeof client);
  if (query->address != 0) at = put_option(bootp, at, OPTION_ADDRESS, &query->address, sizeof query->address);
  if (query->server != 0) at = put_option(bootp, at, OPTION_SERVER, &query->server, sizeof query->server);
  at = put_option(bootp, at, OPTION_WANTED, WANTED, sizeof WANTED);
  bootp[at] = OPTION_END;

  memcpy(packet + 12, &query->current, sizeof query->current);
  memset(packet + 16, 0xff, 4);
  write_u16(udp, CLIENT_PORT);
  write_u16(udp + 2, SERVER_PORT);
  write_u16(udp + 4, UDP_LENGTH + QUERY_LENGTH);
  const __u16 udp_sum = checksum(sum(UDP + UDP_LENGTH + QUERY_LENGTH + sum(0, packet + 12, 8), udp, total - IP_LENGTH));
  write_u16(udp + 6, udp_sum == 0 ? 0xffff : udp_sum);
  packet[0] = 0x45;
  write_u16(packet + 2, (__u32)total);
  packet[8] = 64;
  packet[9] = UDP;
  write_u16(packet + 10, checksum(sum(0, packet, IP_LENGTH)));
  return total;
}

static void read_option(__u8 code, const __u8 *value, size_t length, struct lease *lease) {
  if (code == OPTION_TYPE && length == 1) lease->type = value[0];
  if (code == OPTION_NETMASK && length == 4) lease->netmask = read_address(value);
  if (code == OPTION_ROUTER && length >= 4) lease->router = read_address(value);
  if (code == OPTION_SERVER && length == 4) lease->server = read_address(value);
  if (code == OPTION_SECONDS && length == 4) lease->seconds = read_u32(value);
  if (code == OPTION_MTU && length == 2) lease->mtu = read_u16(value);
  if (code == OPTION_NAME_SERVERS) {
    for (size_t i = 0; i < DHCP_NAME_SERVERS && (i + 1) * 4 <= length; i += 1) {
      lease->name_servers[i] = read_address(value + i * 4);
    }
  }
}

int read_dhcp_reply(const __u8 *packet, size_t length, const struct dhcp_query *query, struct lease *lease) {
  if (length < IP_LENGTH || packet[0] >> 4 != 4 || packet[9] != UDP) return 0;
  /* No fragments: offset and "more" must be zero. */
  if ((read_u16(packet + 6) & 0x3fff) != 0) return 0;
  const size_t header = (size_t)(packet[0] & 15) * 4, total = read_u16(packet + 2);
  if (header < IP_LENGTH || total > length || total < header + UDP_LENGTH + BOOTP_OPTIONS) return 0;
  if (checksum(sum(0, packet, header)) != 0) return 0;
  const __u8 *udp = packet + header, *bootp = udp + UDP_LENGTH;
  if (read_u16(udp) != SERVER_PORT || read_u16(udp + 2) != CLIENT_PORT) return 0;
  const size_t udp_length = read_u16(udp + 4);
  if (udp_length < UDP_LENGTH + BOOTP_OPTIONS || header + udp_length > total) return 0;
  /* The UDP checksum is not compared: a virtual network card may leave it to a card that is not there. */
  if (bootp[BOOTP_OP] != REPLY) return 0;
  if (!bytes_equal(bootp + BOOTP_TRANSACTION, &query->transaction, sizeof query->transaction)) return 0;
  if (!bytes_equal(bootp + BOOTP_HARDWARE, query->hardware, sizeof query->hardware)) return 0;
  if (!bytes_equal(bootp + BOOTP_COOKIE, COOKIE, sizeof COOKIE)) return 0;

  memset(lease, 0, sizeof *lease);
  lease->address = read_address(bootp + BOOTP_YOURS);
  const size_t end = udp_length - UDP_LENGTH;
  for (size_t at = BOOTP_OPTIONS; at < end && bootp[at] != OPTION_END;) {
    if (bootp[at] == OPTION_PAD) {
      at += 1;
      continue;
    }
    if (at + 2 > end || at + 2 + bootp[at + 1] > end) return 0;
    read_option(bootp[at], bootp + at + 2, bootp[at + 1], lease);
    at += 2 + (size_t)bootp[at + 1];
  }
  return lease->type == DHCP_OFFER || lease->type == DHCP_ACK || lease->type == DHCP_NAK;
}
