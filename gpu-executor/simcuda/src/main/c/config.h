/* What a test tells the simulated driver and the simulated management library. */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_PATH 1024

struct config {
  int devices;
  uint64_t memory_bytes; /* of each device, or of each MIG instance */
  int cc_major, cc_minor;
  int driver;       /* as cuDriverGetVersion says it */
  int mig;          /* MIG instances on each device; 0: MIG is off */
  bool mps;         /* a server of MPS runs */
  bool gpudirect;   /* the device says that others may write its memory */
  bool trace;       /* every call is printed */
  bool leaks;       /* what is left at the end is a violation */
  uint64_t copy_bytes_per_s; /* 0: as fast as it goes */
  uint64_t watchdog_ms;      /* 0: launches may last */
  uint64_t hang_launch;      /* the nth launch from now never ends; 0: none does */
  uint64_t lost_call;        /* from the nth call the device is lost; 0: never */
  char report[CONFIG_PATH];  /* where violations are appended; empty: nowhere */
};

extern struct config config;

/* Called for "fail=FUNCTION:N:ERROR"; false where it makes no sense of it. */
extern bool (*config_fault)(const char *text);

/* Reads "key=value,key=value"; what is not named keeps its value. Answers NULL, or what is wrong. */
const char *config_read(const char *text);
void config_defaults(void);

#endif
