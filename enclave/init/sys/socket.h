/* What linux/if.h and linux/vm_sockets.h ask of a libc, and there is none here. */

#ifndef ADYTON_SYS_SOCKET_H
#define ADYTON_SYS_SOCKET_H

#include <linux/socket.h>

typedef __kernel_sa_family_t sa_family_t;

struct sockaddr {
  __kernel_sa_family_t sa_family;
  char sa_data[14];
};

#endif
