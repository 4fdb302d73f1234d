#ifndef ADYTON_TUNNEL_H
#define ADYTON_TUNNEL_H

#include "system.h"

/* One process carries all connections between TCP of this machine's loopback and vsock of its parent. It reads none of them. */

/* What comes to vsock's `port` goes to 127.0.0.1 at `tcp_port`. A negative errno where it cannot listen. */
long open_inward(__u32 port, __u16 tcp_port);
/* What comes to `address` (network order) at `tcp_port` goes to the parent's vsock at `port`. */
long open_outward(__u32 address, __u16 tcp_port, __u32 port);
/* Carries from then on. */
void carry(void) __attribute__((noreturn));

#endif
