// Options, signals and refusals: what has nothing to do with Paho.
#define _DEFAULT_SOURCE  // getrandom
#include "device.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static const char* program = "device";
static sigset_t awaited;
static char password_line[1024];

// --- options ---

static _Noreturn void misused(const char* what, const char* which) {
  fprintf(stderr, "%s: %s%s (see --help)\n", program, what, which);
  exit(device_misused);
}

static long number_from(const char* name, const char* text, long min, long max) {
  char* end;
  errno = 0;
  const long value = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
    fprintf(stderr, "%s: %s wants a number from %ld to %ld, not '%s'\n", program, name, min, max, text);
    exit(device_misused);
  }
  return value;
}

// Never from the command line, which every user of the machine can read in the list of processes.
static const char* read_password(const char* file_name) {
  if (file_name == NULL) {
    const char* password = getenv("MQTT_PASSWORD");
    if (password == NULL || *password == '\0')
      misused("no password: --password-file, or MQTT_PASSWORD in the environment", "");
    return password;
  }
  FILE* file = fopen(file_name, "r");
  if (file == NULL || fgets(password_line, sizeof password_line, file) == NULL)
    misused("can't read a password from ", file_name);
  fclose(file);
  password_line[strcspn(password_line, "\r\n")] = '\0';
  if (password_line[0] == '\0') misused("an empty password in ", file_name);
  return password_line;
}

static void hold_signals(void) {
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGTERM);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGUSR1);  // device_wake()
  sigprocmask(SIG_BLOCK, &awaited, NULL);
}

void device_begin(struct device* device, int argc, char** argv, const char* usage, const struct device_number* numbers,
                  size_t number_count) {
  const char* slash = strrchr(argv[0], '/');
  program = slash != NULL ? slash + 1 : argv[0];
  // A line each, also where somebody reads it from a pipe.
  setvbuf(stdout, NULL, _IOLBF, 0);

  const char *host = NULL, *password_file = NULL;
  long port = 8883;
  *device = (struct device){0};
  const struct {
    const char* name;
    const char** value;
  } words[] = {{"--host", &host},
               {"--ca", &device->ca_file},
               {"--id", &device->id},
               {"--user", &device->user},
               {"--password-file", &password_file}};
  for (int i = 1; i < argc; i += 2) {
    const char* name = argv[i];
    if (strcmp(name, "--help") == 0) {
      fputs(usage, stdout);
      exit(device_done);
    }
    if (i + 1 == argc) misused("no such option, or no value for it: ", name);
    const char* value = argv[i + 1];
    bool known = strcmp(name, "--port") == 0;
    if (known) port = number_from(name, value, 1, 65535);
    for (size_t n = 0; n < sizeof words / sizeof *words; ++n) {
      if (strcmp(name, words[n].name) != 0) continue;
      *words[n].value = value;
      known = true;
    }
    for (size_t n = 0; n < number_count; ++n) {
      if (strcmp(name, numbers[n].name) != 0) continue;
      *numbers[n].value = number_from(name, value, numbers[n].min, numbers[n].max);
      known = true;
    }
    if (!known) misused("no such option: ", name);
  }
  if (host == NULL || device->ca_file == NULL || device->id == NULL) misused("--host, --ca and --id are needed", "");
  if (access(device->ca_file, R_OK) != 0) misused("can't read the certificates of ", device->ca_file);
  if (device->user == NULL) device->user = device->id;
  device->password = read_password(password_file);
  const int length = snprintf(device->url, sizeof device->url, "ssl://%s:%ld", host, port);
  if (length >= (int)sizeof device->url) misused("a host name that long there is not: ", host);
  hold_signals();
}

// --- waiting ---

long long device_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// A signal that nobody handles and everybody blocks stays pending until it is asked for here. So there is no handler with
// its short list of what it may call, none is missed between a look and a wait, and Paho's threads are never interrupted.
enum device_event device_wait(long long until) {
  const long long left = until - device_now();
  const struct timespec timeout = {.tv_sec = left > 0 ? (time_t)(left / 1000) : 0,
                                   .tv_nsec = left > 0 ? (long)(left % 1000) * 1000000 : 0};
  const int signal_number = sigtimedwait(&awaited, NULL, &timeout);
  if (signal_number == SIGTERM || signal_number == SIGINT) return device_stop;
  if (signal_number == SIGUSR1 || errno == EINTR) return device_woken;
  return device_timeout;
}

bool device_pause(long milliseconds) {
  const long long until = device_now() + milliseconds;
  for (;;) {
    const enum device_event event = device_wait(until);
    if (event != device_woken) return event == device_stop;
  }
}

void device_wake(void) {
  kill(getpid(), SIGUSR1);
}

long device_next_pause(struct device_backoff* backoff, long long lasted) {
  enum { first_ms = 1000, last_ms = 60000, steady_ms = 30000 };
  if (backoff->ms == 0 || lasted >= steady_ms) {
    backoff->ms = first_ms;
  } else {
    backoff->ms = backoff->ms * 2 < last_ms ? backoff->ms * 2 : last_ms;
  }
  // From the kernel: the clock would give devices that were switched on together the same chance.
  unsigned random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random) random = (unsigned)getpid();
  const long half = backoff->ms / 2;
  return half + (long)(random % (unsigned)(half + 1));
}

// --- words ---

void device_say(const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  fprintf(stderr, "%s: %s\n", program, line);
}

static void print_safely(const char* text, size_t size) {
  for (size_t i = 0; i < size; ++i) putchar(isprint((unsigned char)text[i]) ? text[i] : '?');
}

void device_print(const char* topic, const void* payload, int size) {
  flockfile(stdout);
  print_safely(topic, strlen(topic));
  putchar(' ');
  print_safely(payload, (size_t)size);
  putchar('\n');
  funlockfile(stdout);
}

static const struct refusal {
  int code;
  bool is_final;
  const char* words;
} refusals[] = {
    // MQTT 3.1 and 3.1.1: the return code of CONNACK.
    {1, true, "the gate does not take this version of MQTT"},
    {2, true, "the client identifier is not allowed"},
    {3, false, "the broker behind the gate is not available"},
    {4, true, "user name or password are wrong"},
    {5, true,
     "not authorized: no role fits this user, address and identifier, or the will may not be left (the gate's log tells "
     "which)"},
    // MQTT 5: the reason code of CONNACK, or of the gate's DISCONNECT.
    {0x81, true, "the gate could not read a packet of ours (malformed)"},
    {0x82, true, "a packet of ours broke the protocol"},
    {0x84, true, "the gate does not take this version of MQTT"},
    {0x85, true, "the client identifier is not allowed"},
    {0x86, true, "user name or password are wrong"},
    {0x87, true,
     "not authorized: no role fits this user, address and identifier, or the will may not be left (the gate's log tells "
     "which)"},
    {0x88, false, "the broker behind the gate is not available"},
    {0x89, false, "the gate is full"},
    {0x8a, true, "banned"},
    {0x8b, false, "the gate is being shut down"},
    {0x8c, true, "the gate has no such way to log in"},
    {0x8d, false, "the gate heard nothing from us for too long"},
    {0x8e, false, "another client came with the same identifier"},
    {0x95, true, "a packet of ours was too large"},
    {0x97, false, "a quota is used up"},
    {0x98, false, "an operator ended the session"},
    {0x9f, false, "we connect too often"},
};

static const struct refusal* find(int code) {
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; ++i) {
    if (refusals[i].code == code) return &refusals[i];
  }
  return NULL;
}

// The gate closes without a word on whom it does not want to tell anything. So may a router.
const char* device_words(int code) {
  if (code <= 0) return "no answer: nobody listens there, this address is not allowed, or the certificate is not the gate's";
  const struct refusal* found = find(code);
  return found != NULL ? found->words : "a reason that this program does not know";
}

// A failed TLS handshake is not final: a device without a battery comes up in 1970, when no certificate is valid yet.
bool device_is_final(int code) {
  const struct refusal* found = find(code);
  return found != NULL && found->is_final;
}

// OpenSSL hands over `thread:error:code:library:function:reason:file:line:data`.
int device_tls_error(const char* text, size_t size, void* context) {
  (void)context;
  const char* end = text + size;
  for (int field = 0; field < 5 && text < end; ++field) {
    const char* colon = memchr(text, ':', (size_t)(end - text));
    if (colon == NULL) break;
    text = colon + 1;
  }
  const char* colon = memchr(text, ':', (size_t)(end - text));
  device_say("TLS: %.*s", (int)((colon != NULL ? colon : end) - text), text);
  return 1;
}
