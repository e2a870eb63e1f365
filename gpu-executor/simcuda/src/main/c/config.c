#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config config;
bool (*config_fault)(const char *text);

void config_defaults(void) {
  memset(&config, 0, sizeof config);
  config.devices = 1;
  config.memory_bytes = 8ull << 30;
  config.cc_major = 9;
  config.driver = 13000;
  config.leaks = true;
}

/* A number with K, M, G behind it, or not; false if it is none. */
static bool number(const char *text, uint64_t *value) {
  char *end;
  *value = strtoull(text, &end, 10);
  int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;
  *value <<= shift;
  return end != text && (shift == 0 ? *end : end[1]) == '\0';
}

static bool compute_capability(const char *text) {
  return sscanf(text, "%d.%d", &config.cc_major, &config.cc_minor) == 2;
}

static bool report_path(const char *text) {
  if (strlen(text) >= sizeof config.report) {
    return false;
  }
  strcpy(config.report, text);
  return true;
}

static bool set(const char *key, const char *value) {
  uint64_t n = 0;
  bool is_number = number(value, &n);
  if (strcmp(key, "cc") == 0) {
    return compute_capability(value);
  }
  if (strcmp(key, "report") == 0) {
    return report_path(value);
  }
  if (strcmp(key, "fail") == 0) {
    return config_fault == NULL || config_fault(value);
  }
  if (!is_number) {
    return false;
  }
  if (strcmp(key, "devices") == 0 && n <= 16) {
    config.devices = (int)n;
  } else if (strcmp(key, "memory") == 0) {
    config.memory_bytes = n;
  } else if (strcmp(key, "driver") == 0) {
    config.driver = (int)n;
  } else if (strcmp(key, "mig") == 0 && n <= 7) {
    config.mig = (int)n;
  } else if (strcmp(key, "mps") == 0) {
    config.mps = n != 0;
  } else if (strcmp(key, "gpudirect") == 0) {
    config.gpudirect = n != 0;
  } else if (strcmp(key, "trace") == 0) {
    config.trace = n != 0;
  } else if (strcmp(key, "leaks") == 0) {
    config.leaks = n != 0;
  } else if (strcmp(key, "copy-rate") == 0) {
    config.copy_bytes_per_s = n;
  } else if (strcmp(key, "watchdog") == 0) {
    config.watchdog_ms = n;
  } else if (strcmp(key, "hang") == 0) {
    config.hang_launch = n;
  } else if (strcmp(key, "lost") == 0) {
    config.lost_call = n;
  } else {
    return false;
  }
  return true;
}

const char *config_read(const char *text) {
  static char problem[CONFIG_PATH + 128];
  char part[CONFIG_PATH + 32];
  while (*text != '\0') {
    size_t length = strcspn(text, ",");
    if (length >= sizeof part) {
      return "an option is too long";
    }
    memcpy(part, text, length);
    part[length] = '\0';
    text += length + (text[length] == ',');
    char *equals = strchr(part, '=');
    if (equals != NULL) {
      *equals = '\0';
    }
    if (length > 0 && (equals == NULL || !set(part, equals + 1))) {
      snprintf(problem, sizeof problem, "the option '%s' has no such value, or there is no such option", part);
      return problem;
    }
  }
  return NULL;
}
