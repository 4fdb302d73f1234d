#ifndef ADYTON_DHCP_H
#define ADYTON_DHCP_H

/*
 * Gets an address for `device` and keeps it: asks again at half of each lease, applies what changed, and starts over when the
 * lease was not renewed. Writes one byte to `ready` after the first lease. Never returns.
 */
void keep_lease(const char *device, int ready) __attribute__((noreturn));

#endif
