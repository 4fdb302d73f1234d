#ifndef ADYTON_OPERATOR_FILE_H
#define ADYTON_OPERATOR_FILE_H

/*
 * Brings the operator's file from the first unmeasured channel that has one to `target`: QEMU's fw_cfg, or a drive that holds
 * nothing but the JSON and zeros. Not a file system: the host's bytes meet no parser but JSON's, in the enclave.
 * Powers off without one.
 */
void take_operator_file(const char *target);

/* Writes what a channel gave; powers off when it is longer than OPERATOR_FILE_SIZE. Returns 0 when it is no JSON object. */
int keep_operator_file(const char *target, const char *channel, long length);

#define OPERATOR_FILE_SIZE 262144

/* One byte more than the longest file, so that a longer one shows. */
extern unsigned char operator_file[OPERATOR_FILE_SIZE + 1];

#endif
