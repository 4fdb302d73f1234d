/*
 * One exchange with the Nitro Secure Module: a CBOR request on stdin, its CBOR response on stdout. Exits 0 on success.
 * The ioctl and its message are those of aws-nitro-enclaves-nsm-api, src/driver. Build statically:
 *   cc -static -Os -o adyton-nsm nsm.c
 */

#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define REQUEST_MAX 0x1000
#define RESPONSE_MAX 0x3000

struct nsm_message {
  struct iovec request;
  struct iovec response;
};

#define NSM_REQUEST _IOWR(0x0A, 0, struct nsm_message)

static uint8_t request[REQUEST_MAX];
static uint8_t response[RESPONSE_MAX];

int main(void) {
  size_t length = 0;
  ssize_t got;
  while (length < sizeof request && (got = read(0, request + length, sizeof request - length)) > 0) length += (size_t)got;
  int device = open("/dev/nsm", O_RDWR | O_CLOEXEC);
  if (device < 0) return 1;
  struct nsm_message message = {{request, length}, {response, sizeof response}};
  if (ioctl(device, NSM_REQUEST, &message) != 0) return 2;
  size_t written = 0;
  while (written < message.response.iov_len) {
    ssize_t put = write(1, response + written, message.response.iov_len - written);
    if (put <= 0) return 3;
    written += (size_t)put;
  }
  return 0;
}
