// An actuator: takes commands, and lets everybody see whether it is there, by a birth message and a last will.
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"

static const char usage[] =
    "usage: subscriber --host HOST --ca FILE --id ID [--port 8883] [--user USER] [--password-file FILE]\n"
    "\n"
    "Prints every message to command/ID/# as `topic payload`. The retained message of status/ID is always one of\n"
    "  online   it can be reached\n"
    "  offline  its connection broke: the broker says so in its place\n"
    "  stopped  it was switched off in good order\n"
    "\n"
    "  --user           the user name, if it is not the identifier\n"
    "  --password-file  the first line of this file; otherwise MQTT_PASSWORD of the environment is the password\n"
    "\n"
    "Exit code 0: stopped by SIGTERM; 1: failed; 2: wrong usage; 3: refused for good.\n";

enum { answer_ms = 10000, look_ms = 1000 };

// The topics of one device. A device that names only its own can be held to them by its role at the gate.
struct topics {
  char commands[256];
  char status[256];
};

// Retained, so that whoever asks later is told too, and confirmed before we go on.
static int tell(MQTTClient client, const struct topics* topics, char* status) {
  MQTTClient_deliveryToken token;
  const int rc = MQTTClient_publish(client, topics->status, (int)strlen(status), status, 1, 1, &token);
  return rc != MQTTCLIENT_SUCCESS ? rc : MQTTClient_waitForCompletion(client, token, answer_ms);
}

// The first of these three that fails says why. The will travels in CONNECT: from the first moment on, the broker knows what
// to tell of us if we should fall silent.
static int come_in(MQTTClient client, const struct device* device, const struct topics* topics) {
  MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
  tls.trustStore = device->ca_file;
  tls.verify = 1;  // the certificate's name too: off by default, and then any certificate of this CA will do
  tls.ssl_error_cb = device_tls_error;
  MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
  will.topicName = topics->status;
  will.message = "offline";
  will.retained = 1;
  will.qos = 1;
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
  // Said outright, or Paho takes a refusal for a server that is old, asks again as MQTT 3.1, and has failed to log in twice.
  options.MQTTVersion = MQTTVERSION_3_1_1;
  options.username = device->user;
  options.password = device->password;
  options.ssl = &tls;
  options.will = &will;
  // How long it can take until the others learn that we are gone: one and a half times this.
  options.keepAliveInterval = 20;
  // A command from before our time is none to obey now. Who wants it done sees `online`, and sends it.
  options.cleansession = 1;
  const int connected = MQTTClient_connect(client, &options);
  if (connected != MQTTCLIENT_SUCCESS) return connected;
  const int subscribed = MQTTClient_subscribe(client, topics->commands, 1);
  if (subscribed != MQTTCLIENT_SUCCESS) return subscribed == MQTT_BAD_SUBSCRIBE ? 0x87 : subscribed;
  // Only now: who reads `online` may send a command at once.
  return tell(client, topics, "online");
}

// Until the connection breaks (false) or somebody stops us (true).
static bool obey(MQTTClient client) {
  while (device_wait(device_now()) != device_stop) {
    char* topic = NULL;
    int topic_size = 0;
    MQTTClient_message* message = NULL;
    // It also keeps the connection alive, and nothing else does: what a command takes longer than the keep alive to do
    // belongs into a thread of its own.
    const int rc = MQTTClient_receive(client, &topic, &topic_size, &message, look_ms);
    if (message != NULL) {
      device_print(topic, message->payload, message->payloadlen);
      MQTTClient_freeMessage(&message);
      MQTTClient_free(topic);
    } else if (rc != MQTTCLIENT_SUCCESS) {
      return false;
    }
  }
  return true;
}

static int run(MQTTClient client, const struct device* device, const struct topics* topics) {
  struct device_backoff backoff = {0};
  for (;;) {
    const int rc = come_in(client, device, topics);
    long long lasted = 0;
    if (rc == MQTTCLIENT_SUCCESS) {
      device_say("online");
      const long long since = device_now();
      if (obey(client)) break;
      lasted = device_now() - since;
      device_say("connection lost");
    } else {
      device_say("not connected: %s", device_words(rc));
      if (device_is_final(rc)) return device_refused;
      // Where it was CONNECT that succeeded and the rest that failed.
      if (MQTTClient_isConnected(client)) MQTTClient_disconnect(client, 0);
    }
    if (device_pause(device_next_pause(&backoff, lasted))) return device_done;
  }
  // DISCONNECT makes the broker throw the will away, so the last word is our own.
  const bool told = tell(client, topics, "stopped") == MQTTCLIENT_SUCCESS;
  const bool left = MQTTClient_disconnect(client, answer_ms) == MQTTCLIENT_SUCCESS;
  return told && left ? device_done : device_failed;
}

int main(int argc, char** argv) {
  struct device device;
  device_begin(&device, argc, argv, usage, NULL, 0);
  struct topics topics;
  snprintf(topics.commands, sizeof topics.commands, "command/%s/#", device.id);
  snprintf(topics.status, sizeof topics.status, "status/%s", device.id);
  MQTTClient client = NULL;
  const int made = MQTTClient_create(&client, device.url, device.id, MQTTCLIENT_PERSISTENCE_NONE, NULL);
  if (made != MQTTCLIENT_SUCCESS) {
    device_say("MQTTClient_create: %s", MQTTClient_strerror(made));
    return device_failed;
  }
  const int code = run(client, &device, &topics);
  MQTTClient_destroy(&client);
  return code;
}
