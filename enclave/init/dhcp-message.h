/* DHCP messages (RFC 2131, RFC 2132) inside IPv4 and UDP, as bytes. Nothing here makes a system call: tests run it as it is. */

#ifndef ADYTON_DHCP_MESSAGE_H
#define ADYTON_DHCP_MESSAGE_H

#include "system.h"

enum dhcp_type { DHCP_DISCOVER = 1, DHCP_OFFER = 2, DHCP_REQUEST = 3, DHCP_ACK = 5, DHCP_NAK = 6 };

#define DHCP_PACKET_SIZE 1500
#define DHCP_NAME_SERVERS 3

/* Addresses are in network order, as sockets take them; 0 where the server said nothing. */
struct lease {
  __u8 type;
  __u32 address;
  __u32 netmask;
  __u32 router;
  __u32 server;
  __u32 name_servers[DHCP_NAME_SERVERS];
  __u32 seconds;
  __u16 mtu;
};

/* What a client sends. `address` and `server` are options 50 and 54; `current` is ciaddr, set when a lease is renewed. */
struct dhcp_query {
  __u8 type;
  __u32 transaction;
  __u8 hardware[6];
  __u32 address;
  __u32 server;
  __u32 current;
};

/* Writes an IPv4 packet to the broadcast address; `packet` has DHCP_PACKET_SIZE bytes. Returns its length. */
size_t write_dhcp_query(const struct dhcp_query *query, __u8 *packet);

/* Reads an IPv4 packet that may be anything. Returns 1 for a reply to `query` from a server, 0 for all else. */
int read_dhcp_reply(const __u8 *packet, size_t length, const struct dhcp_query *query, struct lease *lease);

#endif
