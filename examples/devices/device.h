// What the three programs share: options, waiting, what a refusal means, and how long to stay away.
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>

/// Exit codes. `device_refused`: the gate gave an answer that asking again does not change.
enum { device_done = 0, device_failed = 1, device_misused = 2, device_refused = 3 };

/// Where the gate is and who we are.
struct device {
  char url[300];         ///< for Paho: ssl://gate.example:8883
  const char* ca_file;   ///< PEM: who may have signed the gate's certificate
  const char* id;        ///< the client identifier, of which no two devices have the same
  const char* user;      ///< the identifier, if none is given
  const char* password;  ///< from a file or the environment
};

/// An option of one program alone: `--name NUMBER`.
struct device_number {
  const char* name;
  long* value;  ///< holds the default
  long min, max;
};

/// Reads the command line and the password, and makes stop signals wait for device_wait(). To be called before anything of
/// Paho's, whose threads inherit what is done about signals. Ends the program with `device_misused` and a word of why where
/// something is wrong.
void device_begin(struct device* device, int argc, char** argv, const char* usage, const struct device_number* numbers,
                  size_t number_count);

enum device_event { device_timeout, device_woken, device_stop };
/// Milliseconds of a clock that nobody sets.
long long device_now(void);
/// Waits for SIGTERM or SIGINT, for device_wake(), or until this time.
enum device_event device_wait(long long until);
/// As device_wait(), but is not to be woken. True: stop.
bool device_pause(long milliseconds);
/// Ends a device_wait(), this one or the next. From any thread.
void device_wake(void);

/// A line on the standard error.
void device_say(const char* format, ...) __attribute__((format(printf, 1, 2)));
/// A line on the standard output: topic and payload of a message. What is not printable becomes `?`, since others sent it.
void device_print(const char* topic, const void* payload, int size);

/// What the number means that Paho gives with a failed connection: a return code of MQTT 3, a reason code of MQTT 5, or,
/// below zero, that there was no answer in MQTT at all.
const char* device_words(int code);
/// Whether asking again can only do harm: until somebody changes this device or its entry at the gate, the answer is the
/// same, and each try counts as a failed login, of which so many get an address banned.
bool device_is_final(int code);

/// How long to stay away before the next try: doubles from one second to one minute with each try in vain, and varies by
/// half of that, so that a thousand devices that lost the gate in the same second do not all come back in the same one.
struct device_backoff {
  long ms;  ///< zero at first
};
/// `lasted`: milliseconds that the connection stood. Only one that stood for a while starts anew: a device that is let in
/// and thrown out at once (by its twin of the same identifier, say) would come back every second for ever.
long device_next_pause(struct device_backoff* backoff, long long lasted);

/// For Paho's `ssl_error_cb`: without it a bad certificate looks like any other failure.
int device_tls_error(const char* text, size_t size, void* context);

#endif
