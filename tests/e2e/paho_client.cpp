// Paho's synchronous client as a program of its own, so that a test can kill it. (Its two libraries don't belong into one
// process either.)
// usage: e2e_paho_client URL CA_FILE USER PASSWORD CLIENT_ID MODE
//   leave  connects with a will, and disconnects in good order
//   stay   connects with a will, and waits to be killed
//   echo   sends itself a message, and prints what it got
#include <MQTTClient.h>

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int timeout_ms = 10'000;

bool is_good(int code) {
  return code == MQTTCLIENT_SUCCESS;
}

bool echo(MQTTClient client) {
  std::string payload = "round trip";
  const auto size = static_cast<int>(payload.size());
  if (!is_good(MQTTClient_subscribe(client, "echo", 1))) return false;
  if (!is_good(MQTTClient_publish(client, "echo", size, payload.data(), 1, 0, nullptr))) return false;
  char* topic = nullptr;
  int topic_length = 0;
  MQTTClient_message* message = nullptr;
  if (!is_good(MQTTClient_receive(client, &topic, &topic_length, &message, timeout_ms)) || message == nullptr) return false;
  std::printf("%s qos=%d %.*s\n", topic, message->qos, message->payloadlen, static_cast<const char*>(message->payload));
  MQTTClient_freeMessage(&message);
  MQTTClient_free(topic);
  return true;
}

[[noreturn]] void wait_to_be_killed() {
  std::puts("connected");
  std::fflush(stdout);
  sigset_t none;
  ::sigemptyset(&none);
  for (;;) ::sigsuspend(&none);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<char*> words(argv, argv + argc);
  if (words.size() != 7) return 2;
  const std::string_view mode{words[6]};
  MQTTClient client = nullptr;
  if (!is_good(MQTTClient_create(&client, words[1], words[5], MQTTCLIENT_PERSISTENCE_NONE, nullptr))) return 1;
  MQTTClient_SSLOptions tls = MQTTClient_SSLOptions_initializer;
  tls.trustStore = words[2];
  tls.verify = 1;
  MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
  will.topicName = "will/of/paho";
  will.message = "farewell";
  will.qos = 1;
  MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
  options.username = words[3];
  options.password = words[4];
  options.ssl = &tls;
  if (mode != "echo") options.will = &will;
  if (!is_good(MQTTClient_connect(client, &options))) return 1;
  if (mode == "stay") wait_to_be_killed();
  if (mode == "echo" && !echo(client)) return 1;
  const bool left = is_good(MQTTClient_disconnect(client, timeout_ms));
  MQTTClient_destroy(&client);
  return left ? 0 : 1;
}
