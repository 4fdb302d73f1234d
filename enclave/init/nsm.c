/*
 * A program of its own, which the enclave starts on AWS Nitro: one exchange with the Nitro Secure Module, a CBOR request on stdin,
 * its CBOR response on stdout. Exits 0 on success. Request and structure are those of linux/nsm.h, which older headers lack.
 */

#include <asm/ioctl.h>
#include <linux/fcntl.h>

#include "system.h"

#define REQUEST_MAX 0x1000
#define RESPONSE_MAX 0x3000

struct nsm_part {
  __u64 address;
  __u64 length;
};

struct nsm_message {
  struct nsm_part request;
  struct nsm_part response;
};

#define NSM_REQUEST _IOWR(0x0A, 0, struct nsm_message)

static __u8 request[REQUEST_MAX];
static __u8 response[RESPONSE_MAX];

void start(long *stack) {
  (void)stack;
  size_t length = 0;
  long got;
  while (length < sizeof request && (got = sys_read(0, request + length, sizeof request - length)) > 0) length += (size_t)got;
  const long device = sys_open("/dev/nsm", O_RDWR, 0);
  if (device < 0) sys_exit(1);
  struct nsm_message message = {{(__u64)request, length}, {(__u64)response, sizeof response}};
  if (sys_ioctl((int)device, NSM_REQUEST, &message) != 0 || message.response.length > sizeof response) sys_exit(2);
  size_t written = 0;
  while (written < message.response.length) {
    const long put = sys_write(1, response + written, message.response.length - written);
    if (put <= 0) sys_exit(3);
    written += (size_t)put;
  }
  sys_exit(0);
}
