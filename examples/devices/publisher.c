// A sensor: publishes a reading every so often, at least once each, and keeps a bounded number while the gate is away.
#include <MQTTAsync.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"

static const char usage[] =
    "usage: publisher --host HOST --ca FILE --id ID [--port 8883] [--user USER] [--password-file FILE]\n"
    "                 [--every MILLISECONDS] [--count N] [--queue N]\n"
    "\n"
    "Publishes {\"reading\":N,\"celsius\":T} to telemetry/ID/temperature, with QoS 1.\n"
    "\n"
    "  --user           the user name, if it is not the identifier\n"
    "  --password-file  the first line of this file; otherwise MQTT_PASSWORD of the environment is the password\n"
    "  --every          between two readings (1000)\n"
    "  --count          how many, until it stops by itself (0: until SIGTERM)\n"
    "  --queue          how many readings to keep for a gate that is away; then the oldest makes room for the newest "
    "(1000)\n"
    "\n"
    "Exit code 0: stopped, and the broker has every reading that was kept; 1: it has not; 2: wrong usage; 3: refused for "
    "good.\n";

// Written by Paho's threads, read by the main one.
static atomic_long confirmed;
static atomic_int refused_with;
static atomic_bool has_left;

static void on_refused(void* client, MQTTAsync_failureData* failure) {
  device_say("not connected: %s", device_words(failure->code));
  if (!device_is_final(failure->code)) return;
  // Here and not later: with our return Paho sets the time of its next try, which may be now.
  MQTTAsync_disconnect(client, NULL);
  refused_with = failure->code;
  device_wake();
}

// Paho calls each of the two callbacks of a connect at most once, and forgets both with the first success; but where there
// is none for success, it keeps the other, and calls it for the end of the connection as well.
static void on_accepted(void* context, MQTTAsync_successData* success) {
  (void)context;
  (void)success;
}

static void on_connected(void* context, char* cause) {
  (void)context;
  (void)cause;
  device_say("connected");
}

static void on_lost(void* context, char* cause) {
  (void)context;
  (void)cause;
  device_say("connection lost; readings wait for the next one");
}

static void on_confirmed(void* context, MQTTAsync_successData* success) {
  (void)context;
  (void)success;
  ++confirmed;
  device_wake();
}

static void on_left(void* context, MQTTAsync_successData* success) {
  (void)context;
  (void)success;
  has_left = true;
  device_wake();
}

static MQTTAsync create(const struct device* device, long queue) {
  MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
  options.sendWhileDisconnected = 1;
  options.allowDisconnectedSendAtAnyTime = 1;  // from the first reading on, be the gate there or not
  options.maxBufferedMessages = (int)queue;
  options.deleteOldestMessages = 1;  // who looks at temperatures wants the last ones
  options.MQTTVersion = MQTTVERSION_3_1_1;
  MQTTAsync client = NULL;
  const int made =
      MQTTAsync_createWithOptions(&client, device->url, device->id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
  if (made != MQTTASYNC_SUCCESS) {
    device_say("MQTTAsync_create: %s", MQTTAsync_strerror(made));
    exit(device_failed);
  }
  MQTTAsync_setConnectionLostCallback(client, NULL, on_lost);
  MQTTAsync_setConnected(client, NULL, on_connected);
  return client;
}

static int start_to_connect(MQTTAsync client, const struct device* device) {
  MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
  tls.trustStore = device->ca_file;
  tls.verify = 1;  // the certificate's name too: off by default, and then any certificate of this CA will do
  tls.ssl_error_cb = device_tls_error;
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  // Said outright, or Paho takes a refusal for a server that is old, asks again as MQTT 3.1, and has failed to log in twice.
  options.MQTTVersion = MQTTVERSION_3_1_1;
  options.username = device->user;
  options.password = device->password;
  options.ssl = &tls;
  // A clean session would be clean on this side as well: what was sent and not yet confirmed would be forgotten with the
  // connection. Like this it is sent again.
  options.cleansession = 0;
  options.keepAliveInterval = 60;  // the gate refuses clients without, and those with more than mqtt.keep_alive_max
  options.context = client;
  options.onSuccess = on_accepted;
  options.onFailure = on_refused;  // the first time; what the library does by itself later it does without a word
  options.automaticReconnect = 1;
  options.minRetryInterval = 1;
  options.maxRetryInterval = 60;
  return MQTTAsync_connect(client, &options);
}

// Stands for the hardware.
static double read_celsius(long reading) {
  return 20.0 + (double)(reading % 50) / 10.0;
}

static void publish(MQTTAsync client, const struct device* device, long reading) {
  char topic[256];
  char payload[64];
  snprintf(topic, sizeof topic, "telemetry/%s/temperature", device->id);
  const int size = snprintf(payload, sizeof payload, "{\"reading\":%ld,\"celsius\":%.1f}", reading, read_celsius(reading));
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  options.onSuccess = on_confirmed;
  const int rc = MQTTAsync_send(client, topic, size, payload, 1, 0, &options);
  if (rc != MQTTASYNC_SUCCESS) device_say("reading %ld is lost: %s", reading, MQTTAsync_strerror(rc));
}

// Readings at their times, until all are taken, or a signal or the gate says stop. How many there were.
static long take_readings(MQTTAsync client, const struct device* device, long every, long count, long queue) {
  long taken = 0;
  bool is_full = false;
  for (long long due = device_now(); count == 0 || taken < count; due += every) {
    enum device_event event;
    do event = device_wait(due);
    while (event == device_woken && refused_with == 0);
    if (event != device_timeout) break;
    publish(client, device, ++taken);
    const bool was_full = is_full;
    is_full = taken - confirmed > queue;
    if (is_full && !was_full) device_say("the queue is full: old readings are dropped");
  }
  return taken;
}

// The last readings on their way, then DISCONNECT, so that the broker does not take us for dead.
static void leave(MQTTAsync client, long taken) {
  enum { patience_ms = 5000 };
  const long long until = device_now() + patience_ms;
  while (refused_with == 0 && confirmed < taken && device_wait(until) == device_woken) continue;
  MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
  options.onSuccess = on_left;
  // Also where there is no connection: it ends the attempts to get one.
  if (MQTTAsync_disconnect(client, &options) != MQTTASYNC_SUCCESS) return;
  while (!has_left && device_wait(until + patience_ms) == device_woken) continue;
}

int main(int argc, char** argv) {
  long every = 1000, count = 0, queue = 1000;
  const struct device_number numbers[] = {
      {"--every", &every, 1, 86400000}, {"--count", &count, 0, 1000000000}, {"--queue", &queue, 1, 1000000}};
  struct device device;
  device_begin(&device, argc, argv, usage, numbers, sizeof numbers / sizeof *numbers);
  MQTTAsync client = create(&device, queue);
  const int started = start_to_connect(client, &device);
  if (started != MQTTASYNC_SUCCESS) {
    device_say("MQTTAsync_connect: %s", MQTTAsync_strerror(started));
    MQTTAsync_destroy(&client);
    return device_failed;
  }
  const long taken = take_readings(client, &device, every, count, queue);
  leave(client, taken);
  MQTTAsync_destroy(&client);
  if (refused_with != 0) return device_refused;
  device_say("%ld readings, %ld confirmed", taken, (long)confirmed);
  return confirmed == taken ? device_done : device_failed;
}
