/* Runs one part of enclave/init/nitro.c: FOLDER of the fake vsock, what to run, and its argument. Never with system.c's `fail`. */

#include "nitro.h"
#include "system.h"
#include "tunnel.h"

const char *fake_folder;

void fail(const char *message) {
  say(message);
  sys_exit(3);
}

static __u16 number(const char *text) {
  __u16 result = 0;
  for (; *text != 0; text += 1) result = (__u16)(result * 10 + (*text - '0'));
  return result;
}

void start(long *stack) {
  const char *const *arguments = (const char *const *)(stack + 1);
  if (stack[0] != 4) sys_exit(1);
  fake_folder = arguments[1];
  const char *part = arguments[2], *argument = arguments[3];
  if (text_equal(part, "heart")) beat_heart();
  else if (text_equal(part, "operator")) receive_operator_file(argument);
  else if (text_equal(part, "inward")) {
    if (open_inward(8443, number(argument)) < 0) fail("no way in");
    say("open");
    carry();
  } else if (text_equal(part, "tunnel")) {
    start_tunnel(argument);
    say("open");
    /* Until its stdin ends; the child that carries is ended with the process group. */
    sys_poll_readable(0, -1);
  } else sys_exit(1);
  say("done");
  sys_exit(0);
}
