/* What linux/if.h asks of a libc, and there is none here. */

#ifndef ADYTON_SYS_SOCKET_H
#define ADYTON_SYS_SOCKET_H

#include <linux/socket.h>

struct sockaddr {
  __kernel_sa_family_t sa_family;
  char sa_data[14];
};

#endif
