#ifndef ADYTON_VSOCK_H
#define ADYTON_VSOCK_H

#include "system.h"

/* The machine that an enclave of Nitro was started from (VMADDR_CID_HOST is 2; nitro-cli's parent is 3). */
#define PARENT 3

/* A socket that is connected, or with `flags` SOCK_NONBLOCK about to be; a negative errno. */
long vsock_connect(__u32 cid, __u32 port, int flags);
/* A socket that takes connections, without waiting for one. */
long vsock_listen(__u32 port);
/* The next connection, `flags` its own, if its other end is `cid`; -EACCES for one of somebody else, which is closed. */
long vsock_accept(int listener, __u32 cid, int flags);

#endif
