#ifndef ADYTON_NITRO_H
#define ADYTON_NITRO_H

/* Whether the command line, which is in PCR0, says that this is an enclave of AWS Nitro: it has neither network card nor drive. */
int on_nitro(void);

/* Tells the parent that the enclave has started, as nitro-cli waits for it. Powers off when nobody answers. */
void beat_heart(void);

/* Opens the ways between loopback and the parent, gives each host of the behaviour file its address in `hosts_file`, and carries. */
void start_tunnel(const char *hosts_file);

/* Brings the operator's file, which the parent sends, to `target`. Powers off without one. */
void receive_operator_file(const char *target);

#endif
