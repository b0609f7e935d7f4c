// A device that comes back: says why it was refused, stays away ever longer, subscribes anew, and knows when to give up.
#include <MQTTAsync.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"

static const char usage[] =
    "usage: reconnect --host HOST --ca FILE --id ID [--port 8883] [--user USER] [--password-file FILE] [--mqtt 3|5]\n"
    "\n"
    "Prints every message to command/ID/# as `topic payload`. Connects again whenever the connection is lost or the gate "
    "is\n"
    "away, after one second at first and one minute at most; ends when the gate's answer is one that will not change.\n"
    "\n"
    "  --user           the user name, if it is not the identifier\n"
    "  --password-file  the first line of this file; otherwise MQTT_PASSWORD of the environment is the password\n"
    "  --mqtt           5, the default, or 3 for 3.1.1\n"
    "\n"
    "Exit code 0: stopped by SIGTERM; 1: failed; 2: wrong usage; 3: refused for good.\n";

// One attempt and the session that comes of it: Paho's threads tell, the main one reads.
static atomic_bool has_come_in;
static atomic_bool is_over;
static atomic_int why;  // it is over: the code that came with it, 0 if none did
static atomic_bool has_left;
static char commands[256];

static void end(int code) {
  why = code;
  is_over = true;
  device_wake();
}

// --- what Paho tells, once for each version since the structures differ ---

// Paho has the codes of both versions in `code`: MQTT 5's `reasonCode` stays 0 where a connection failed.
static void on_refused_3(void* context, MQTTAsync_failureData* failure) {
  (void)context;
  end(failure->code);
}
static void on_refused_5(void* context, MQTTAsync_failureData5* failure) {
  (void)context;
  end(failure->code);
}

// A device whose subscription is denied would sit there, connected and deaf. That is for its role at the gate to mend.
static void be_deaf(void) {
  device_say("the subscription to %s is denied", commands);
  end(MQTTREASONCODE_NOT_AUTHORIZED);
}
// Paho also comes here with a subscription that was cut off by the end of its connection, which is not the end of the
// device.
static void on_denied_3(void* context, MQTTAsync_failureData* failure) {
  (void)context;
  if (failure->code == MQTT_BAD_SUBSCRIBE) be_deaf();
}
static void on_denied_5(void* context, MQTTAsync_failureData5* failure) {
  (void)context;
  if (failure->reasonCode >= MQTTREASONCODE_UNSPECIFIED_ERROR) be_deaf();
}

static void on_lost(void* context, char* cause) {
  (void)context;
  (void)cause;
  end(0);
}

// MQTT 5 only: the gate's DISCONNECT, with its reason. on_lost() is not called for it.
static void on_disconnected(void* context, MQTTProperties* properties, enum MQTTReasonCodes reason) {
  (void)context;
  (void)properties;
  end((int)reason);
}

static void on_left_3(void* context, MQTTAsync_successData* success) {
  (void)context;
  (void)success;
  has_left = true;
  device_wake();
}
static void on_left_5(void* context, MQTTAsync_successData5* success) {
  (void)success;
  on_left_3(context, NULL);
}

static int on_message(void* context, char* topic, int topic_size, MQTTAsync_message* message) {
  (void)context;
  (void)topic_size;
  device_print(topic, message->payload, message->payloadlen);
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topic);
  return 1;
}

static bool is_5;
static MQTTAsync client;

// With each connection, the first and every other: the session is a new one, and the broker has forgotten the old one's
// subscriptions.
static void come_in(void) {
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  if (is_5) {
    options.onFailure5 = on_denied_5;
  } else {
    options.onFailure = on_denied_3;
  }
  has_come_in = true;
  device_wake();
  device_say("connected");
  if (MQTTAsync_subscribe(client, commands, 1, &options) != MQTTASYNC_SUCCESS) be_deaf();
}
static void on_accepted_3(void* context, MQTTAsync_successData* success) {
  (void)context;
  (void)success;
  come_in();
}
static void on_accepted_5(void* context, MQTTAsync_successData5* success) {
  (void)context;
  (void)success;
  come_in();
}

// --- what we ask of Paho ---

static int create(const struct device* device) {
  MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
  options.MQTTVersion = is_5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
  const int made =
      MQTTAsync_createWithOptions(&client, device->url, device->id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
  if (made != MQTTASYNC_SUCCESS) return made;
  MQTTAsync_setCallbacks(client, NULL, on_lost, on_message, NULL);
  MQTTAsync_setDisconnected(client, NULL, on_disconnected);
  return MQTTASYNC_SUCCESS;
}

// Paho's own automaticReconnect stays off: it does not say why an attempt failed, so it would offer a wrong password again
// and again, until the gate bans this address and with it everybody behind it.
static int start_to_connect(const struct device* device) {
  MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
  tls.trustStore = device->ca_file;
  tls.verify = 1;  // the certificate's name too: off by default, and then any certificate of this CA will do
  tls.ssl_error_cb = device_tls_error;
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  if (is_5) {
    const MQTTAsync_connectOptions for_5 = MQTTAsync_connectOptions_initializer5;
    options = for_5;
    options.cleanstart = 1;
    options.onSuccess5 = on_accepted_5;
    options.onFailure5 = on_refused_5;
  } else {
    options.cleansession = 1;
    options.onSuccess = on_accepted_3;
    options.onFailure = on_refused_3;
  }
  // Said outright, or Paho takes a refusal for a server that is old, asks again as MQTT 3.1, and has failed to log in twice.
  options.MQTTVersion = is_5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
  options.username = device->user;
  options.password = device->password;
  options.ssl = &tls;
  options.keepAliveInterval = 60;
  options.connectTimeout = 15;
  has_come_in = false;
  is_over = false;
  return MQTTAsync_connect(client, &options);
}

static void leave(void) {
  enum { patience_ms = 5000 };
  MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
  if (is_5) {
    const MQTTAsync_disconnectOptions for_5 = MQTTAsync_disconnectOptions_initializer5;
    options = for_5;
    options.onSuccess5 = on_left_5;
  } else {
    options.onSuccess = on_left_3;
  }
  const long long until = device_now() + patience_ms;
  if (MQTTAsync_disconnect(client, &options) != MQTTASYNC_SUCCESS) return;
  while (!has_left && device_wait(until) == device_woken) continue;
}

// --- the life of the device ---

// Until it is stopped, or refused for good.
static int run(const struct device* device) {
  enum { long_time_ms = 86400000 };
  struct device_backoff backoff = {0};
  for (int tries = 1;; ++tries) {
    const int started = start_to_connect(device);
    if (started != MQTTASYNC_SUCCESS) {
      device_say("MQTTAsync_connect: %s", MQTTAsync_strerror(started));
      return device_failed;
    }
    long long since = device_now();
    for (bool was_in = false; !is_over;) {
      if (device_wait(device_now() + long_time_ms) == device_stop) return device_done;
      if (has_come_in && !was_in) {
        was_in = true;
        since = device_now();
      }
    }
    if (has_come_in) {
      device_say("connection lost: %s", why > 0 ? device_words(why) : "without a word");
    } else {
      device_say("not connected: %s", device_words(why));
    }
    if (device_is_final(why)) {
      device_say("giving up after try %d: the answer would be the same", tries);
      return device_refused;
    }
    const long pause = device_next_pause(&backoff, has_come_in ? device_now() - since : 0);
    device_say("next try in %ld ms", pause);
    if (device_pause(pause)) return device_done;
  }
}

int main(int argc, char** argv) {
  long version = 5;
  const struct device_number numbers[] = {{"--mqtt", &version, 3, 5}};
  struct device device;
  device_begin(&device, argc, argv, usage, numbers, sizeof numbers / sizeof *numbers);
  is_5 = version == 5;
  snprintf(commands, sizeof commands, "command/%s/#", device.id);
  const int made = create(&device);
  if (made != MQTTASYNC_SUCCESS) {
    device_say("MQTTAsync_create: %s", MQTTAsync_strerror(made));
    return device_failed;
  }
  const int code = run(&device);
  leave();
  // Without MQTTAsync_destroy(): behind a connection that has just ended, Paho's own thread may still be at work with what
  // that would free (a double free, seen in 1.3.12).
  _Exit(code);
}
