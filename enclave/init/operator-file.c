#include <asm/unistd.h>
#include <linux/time.h>

#include "operator-file.h"
#include "system.h"

#define FW_CFG "/sys/firmware/qemu_fw_cfg/by_name/opt/org.adyton.operator/raw"
/* NVMe and SCSI drives show themselves some time after their driver: 100 ms, 50 times. */
#define TRIES 50

unsigned char operator_file[OPERATOR_FILE_SIZE + 1];

int keep_operator_file(const char *target, const char *channel, long length) {
  long end = 0;
  while (end < length && operator_file[end] != 0) end += 1;
  if (end == 0 || operator_file[0] != '{') return 0;
  if (end > OPERATOR_FILE_SIZE) fail("the operator file is longer than 262144 bytes");
  if (write_file(target, operator_file, (size_t)end, 0400) != 0) fail("the operator file cannot be kept: /run is full");
  say_about("operator file from", channel);
  return 1;
}

static int take(const char *target, const char *path) {
  const long length = read_file(path, operator_file, sizeof operator_file);
  return length > 0 && keep_operator_file(target, path, length);
}

static long try_drive(const char *name, void *target) {
  char path[64] = "/dev/";
  /* Drives, not what the kernel makes itself: loop, ram, device-mapper. */
  if (!text_starts(name, "vd") && !text_starts(name, "nvme") && !text_starts(name, "sd")) return 0;
  text_append(path, sizeof path, name);
  return take(target, path);
}

void take_operator_file(const char *target) {
  for (int i = 0; i < TRIES; i += 1) {
    if (take(target, FW_CFG)) return;
    if (each_entry("/sys/block", try_drive, (void *)(unsigned long)target) > 0) return;
    struct __kernel_timespec pause = {0, 100000000};
    system_call(__NR_nanosleep, (long)&pause, 0, 0, 0, 0);
  }
  fail("no operator file: give one by fw_cfg (opt/org.adyton.operator) or as a drive that holds the JSON and zeros");
}
