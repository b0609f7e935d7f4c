// A sensor: publishes a reading every so often, at least once each, and keeps a bounded number while the gate is away.
//
// The main thread takes readings at their times, whatever the network does. A second one, the link, has Paho to itself: it
// connects, and brings the oldest readings that are kept. A reading is let go only when the broker has confirmed it, so that
// what the end of a connection leaves open is sent anew from memory of our own.
#define _POSIX_C_SOURCE 200809L  // pthread_condattr_setclock
#include <MQTTClient.h>
#include <pthread.h>
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

enum { at_once_max = 100, look_ms = 1000, answer_ms = 20000 };

struct reading {
  long number;  // from 1
  double celsius;
};

// --- what the two threads share ---

// Reading n stands in place n % room; from `oldest` to `taken` they are kept.
static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct reading* places;
  long room;
  long oldest, taken, confirmed;
  bool is_last;  // no more readings will come
  bool is_late;  // what is not confirmed will not be
  bool is_over;  // the link has ended
  int refused_with;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .oldest = 1};

static bool prepare(long room) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);  // as device_now()
  pthread_cond_init(&shared.changed, &attributes);
  pthread_condattr_destroy(&attributes);
  shared.room = room;
  shared.places = calloc((size_t)room, sizeof *shared.places);
  return shared.places != NULL;
}

static void tell_link(bool* what) {
  pthread_mutex_lock(&shared.lock);
  *what = true;
  pthread_cond_signal(&shared.changed);
  pthread_mutex_unlock(&shared.lock);
}

static bool is_true(const bool* what) {
  pthread_mutex_lock(&shared.lock);
  const bool is = *what;
  pthread_mutex_unlock(&shared.lock);
  return is;
}

// True where the oldest reading had to make room: who looks at temperatures wants the last ones.
static bool keep(double celsius) {
  pthread_mutex_lock(&shared.lock);
  const long number = ++shared.taken;
  const bool is_full = number - shared.oldest == shared.room;
  if (is_full) ++shared.oldest;
  shared.places[number % shared.room] = (struct reading){number, celsius};
  pthread_cond_signal(&shared.changed);
  pthread_mutex_unlock(&shared.lock);
  return is_full;
}

static void let_go(long number) {
  pthread_mutex_lock(&shared.lock);
  ++shared.confirmed;
  // It may have been dropped on its way, and arrived all the same.
  if (shared.oldest <= number) shared.oldest = number + 1;
  pthread_mutex_unlock(&shared.lock);
}

// The next two with the lock held.
static bool link_may_end(void) {
  return shared.is_late || (shared.is_last && shared.oldest > shared.taken);
}
static void wait_for_change(long long until) {
  const struct timespec then = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000};
  pthread_cond_timedwait(&shared.changed, &shared.lock, &then);
}

// The oldest readings, and how many; waits a while if there is none. They are copies: the main thread may put new ones in
// their places while they are under way.
static int oldest_readings(struct reading readings[at_once_max]) {
  const long long until = device_now() + look_ms;
  pthread_mutex_lock(&shared.lock);
  while (shared.oldest > shared.taken && !link_may_end() && device_now() < until) wait_for_change(until);
  int count = 0;
  for (long number = shared.oldest; number <= shared.taken && count < at_once_max; ++number) {
    readings[count++] = shared.places[number % shared.room];
  }
  pthread_mutex_unlock(&shared.lock);
  return count;
}

// True: there is nothing more to do.
static bool link_pause(long milliseconds) {
  const long long until = device_now() + milliseconds;
  pthread_mutex_lock(&shared.lock);
  while (!link_may_end() && device_now() < until) wait_for_change(until);
  const bool is_done = link_may_end();
  pthread_mutex_unlock(&shared.lock);
  return is_done;
}

// --- the link ---

struct link {
  const struct device* device;
  MQTTClient client;
  char topic[256];
};

static int come_in(const struct link* link) {
  MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
  tls.trustStore = link->device->ca_file;
  tls.verify = 1;  // the certificate's name too: off by default, and then any certificate of this CA will do
  tls.ssl_error_cb = device_tls_error;
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
  // Said outright, or Paho takes a refusal for a server that is old, asks again as MQTT 3.1, and has failed to log in twice.
  options.MQTTVersion = MQTTVERSION_3_1_1;
  options.username = link->device->user;
  options.password = link->device->password;
  options.ssl = &tls;
  // Clean on this side as well: Paho forgets with the connection what it had under way, and sends nothing by itself.
  options.cleansession = 1;
  options.keepAliveInterval = 60;  // the gate refuses clients without, and those with more than mqtt.keep_alive_max
  options.connectTimeout = 15;
  options.reliable = 0;  // more than one message under way
  options.maxInflightMessages = at_once_max;
  return MQTTClient_connect(link->client, &options);
}

static bool send_reading(const struct link* link, const struct reading* reading, MQTTClient_deliveryToken* token) {
  char payload[64];
  const int size =
      snprintf(payload, sizeof payload, "{\"reading\":%ld,\"celsius\":%.1f}", reading->number, reading->celsius);
  return MQTTClient_publish(link->client, link->topic, size, payload, 1, 0, token) == MQTTCLIENT_SUCCESS;
}

// Paho also calls a write that failed a success; then it has closed the connection, and says so here.
static bool is_confirmed(const struct link* link, MQTTClient_deliveryToken token) {
  const long long until = device_now() + answer_ms;
  for (;;) {
    const int rc = MQTTClient_waitForCompletion(link->client, token, look_ms);
    if (rc == MQTTCLIENT_SUCCESS) return true;
    if (rc == MQTTCLIENT_DISCONNECTED || device_now() >= until || is_true(&shared.is_late)) return false;
  }
}

// Several at once, since Paho takes a tenth of a second to wait for one confirmation or for all.
static bool bring(const struct link* link, const struct reading* readings, int count) {
  MQTTClient_deliveryToken tokens[at_once_max];
  for (int i = 0; i < count; ++i) {
    if (!send_reading(link, &readings[i], &tokens[i])) return false;
  }
  for (int i = 0; i < count; ++i) {
    if (!is_confirmed(link, tokens[i])) return false;
    let_go(readings[i].number);
  }
  return true;
}

// Until the connection is of no use any more, or not needed.
static void bring_readings(const struct link* link) {
  struct reading readings[at_once_max];
  while (!link_pause(0)) {
    const int count = oldest_readings(readings);
    if (count > 0) {
      if (!bring(link, readings, count)) return;
    } else {
      // It keeps the connection alive, and sees its end.
      MQTTClient_yield();
      if (!MQTTClient_isConnected(link->client)) return;
    }
  }
}

// Until all is done (0), or the gate has refused us for good (its code).
static int stay_linked(const struct link* link) {
  struct device_backoff backoff = {0};
  for (;;) {
    const int rc = come_in(link);
    long long lasted = 0;
    if (rc == MQTTCLIENT_SUCCESS) {
      device_say("connected");
      const long long since = device_now();
      bring_readings(link);
      lasted = device_now() - since;
      // DISCONNECT, if there is still somebody to tell, so that the broker does not take us for dead.
      MQTTClient_disconnect(link->client, 0);
      if (link_pause(0)) return 0;
      device_say("connection lost; readings wait for the next one");
    } else {
      device_say("not connected: %s", device_words(rc));
      if (device_is_final(rc)) return rc;
    }
    if (link_pause(device_next_pause(&backoff, lasted))) return 0;
  }
}

static void* link_main(void* argument) {
  const int refused_with = stay_linked(argument);
  pthread_mutex_lock(&shared.lock);
  shared.refused_with = refused_with;
  shared.is_over = true;
  pthread_mutex_unlock(&shared.lock);
  device_wake();
  return NULL;
}

// --- the main thread ---

// Stands for the hardware.
static double read_celsius(long reading) {
  return 20.0 + (double)(reading % 50) / 10.0;
}

// Readings at their times, until all are taken, or a signal or the gate says stop.
static void take_readings(long every, long count) {
  bool was_full = false;
  long long due = device_now();
  for (long reading = 1; count == 0 || reading <= count; ++reading, due += every) {
    enum device_event event;
    do event = device_wait(due);
    while (event == device_woken && !is_true(&shared.is_over));
    if (event != device_timeout) return;
    const bool is_full = keep(read_celsius(reading));
    if (is_full && !was_full) device_say("the queue is full: old readings are dropped");
    was_full = is_full;
  }
}

static bool wait_for_link(long milliseconds) {
  const long long until = device_now() + milliseconds;
  while (!is_true(&shared.is_over) && device_wait(until) == device_woken) continue;
  return is_true(&shared.is_over);
}

// The last readings on their way, then DISCONNECT. False: the link hangs.
static bool leave(void) {
  enum { patience_ms = 5000, farewell_ms = 2000 };
  tell_link(&shared.is_last);
  if (wait_for_link(patience_ms)) return true;
  tell_link(&shared.is_late);
  return wait_for_link(farewell_ms);
}

static int give_account(void) {
  pthread_mutex_lock(&shared.lock);
  const long taken = shared.taken, confirmed = shared.confirmed;
  const int refused_with = shared.refused_with;
  pthread_mutex_unlock(&shared.lock);
  if (refused_with != 0) return device_refused;
  device_say("%ld readings, %ld confirmed", taken, confirmed);
  return confirmed == taken ? device_done : device_failed;
}

int main(int argc, char** argv) {
  long every = 1000, count = 0, queue = 1000;
  const struct device_number numbers[] = {
      {"--every", &every, 1, 86400000}, {"--count", &count, 0, 1000000000}, {"--queue", &queue, 1, 1000000}};
  struct device device;
  device_begin(&device, argc, argv, usage, numbers, sizeof numbers / sizeof *numbers);
  struct link link = {.device = &device};
  snprintf(link.topic, sizeof link.topic, "telemetry/%s/temperature", device.id);
  const int made = MQTTClient_create(&link.client, device.url, device.id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
  if (made != MQTTCLIENT_SUCCESS) {
    device_say("MQTTClient_create: %s", MQTTClient_strerror(made));
    return device_failed;
  }
  pthread_t thread;
  if (!prepare(queue) || pthread_create(&thread, NULL, link_main, &link) != 0) {
    device_say("no memory for %ld readings and a thread", queue);
    return device_failed;
  }
  take_readings(every, count);
  const bool is_over = leave();
  const int code = give_account();
  // It hangs in a connect that nothing calls off; to tidy up would take away under it what it uses.
  if (!is_over) _Exit(code);
  pthread_join(thread, NULL);
  MQTTClient_destroy(&link.client);
  free(shared.places);
  return code;
}
