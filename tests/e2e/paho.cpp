// Callbacks of a C library, turned into waits.
#include "paho.hpp"

#include <stdexcept>
#include <utility>

namespace bastion::e2e {

struct PahoAsync::Callbacks {
  static PahoAsync& self(void* context) { return *static_cast<PahoAsync*>(context); }

  static void succeeded(void* context, MQTTAsync_successData*) { self(context).concluded({true, 0}); }
  static void failed(void* context, MQTTAsync_failureData* data) {
    self(context).concluded({false, data->code, data->message != nullptr ? data->message : ""});
  }
  static void succeeded5(void* context, MQTTAsync_successData5* data) {
    self(context).concluded({true, static_cast<int>(data->reasonCode)});
  }
  static void failed5(void* context, MQTTAsync_failureData5* data) {
    self(context).concluded({false, static_cast<int>(data->reasonCode), data->message != nullptr ? data->message : ""});
  }
  static void lost(void* context, char*) {
    const std::lock_guard lock{self(context).mutex_};
    self(context).lost_ = true;
    self(context).changed_.notify_all();
  }
  static void connected(void* context, char*) {
    const std::lock_guard lock{self(context).mutex_};
    ++self(context).connected_;
    self(context).changed_.notify_all();
  }
  static int arrived(void* context, char* topic, int topic_length, MQTTAsync_message* message) {
    Message got;
    got.topic = topic_length > 0 ? std::string{topic, static_cast<std::size_t>(topic_length)} : std::string{topic};
    got.payload = {static_cast<const char*>(message->payload), static_cast<std::size_t>(message->payloadlen)};
    got.qos = message->qos;
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    const std::lock_guard lock{self(context).mutex_};
    self(context).messages_.push_back(std::move(got));
    self(context).changed_.notify_all();
    return 1;
  }
};

PahoAsync::PahoAsync(const Stage& stage, const std::string& client_id, int version) : ca_{stage.ca()}, version_{version} {
  const auto url = "ssl://127.0.0.1:" + std::to_string(stage.gate->devices().port);
  MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
  options.MQTTVersion = version;
  const int made =
      MQTTAsync_createWithOptions(&client_, url.c_str(), client_id.c_str(), MQTTCLIENT_PERSISTENCE_NONE, nullptr, &options);
  if (made != MQTTASYNC_SUCCESS) throw std::runtime_error("MQTTAsync_create");
  MQTTAsync_setCallbacks(client_, this, Callbacks::lost, Callbacks::arrived, nullptr);
  MQTTAsync_setConnected(client_, this, Callbacks::connected);
}

PahoAsync::~PahoAsync() {
  MQTTAsync_destroy(&client_);
}

template <class Options>
void PahoAsync::listen_to(Options& options) {
  outcome_.reset();
  options.context = this;
  if (version_ == MQTTVERSION_5) {
    options.onSuccess5 = Callbacks::succeeded5;
    options.onFailure5 = Callbacks::failed5;
  } else {
    options.onSuccess = Callbacks::succeeded;
    options.onFailure = Callbacks::failed;
  }
}

void PahoAsync::concluded(Outcome outcome) {
  const std::lock_guard lock{mutex_};
  outcome_ = std::move(outcome);
  changed_.notify_all();
}

Outcome PahoAsync::finish(int started) {
  if (started != MQTTASYNC_SUCCESS) return {false, started, "not started"};
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, patience, [this] { return outcome_.has_value(); })) return {false, 0, "no answer"};
  return *outcome_;
}

Outcome PahoAsync::connect(const Login& login) {
  MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
  if (version_ == MQTTVERSION_5) options = MQTTAsync_connectOptions_initializer5;
  options.MQTTVersion = version_;
  options.username = login.user.c_str();
  options.password = login.password.c_str();
  MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;
  tls.trustStore = ca_.c_str();
  tls.verify = 1;
  options.ssl = &tls;
  options.automaticReconnect = login.reconnects ? 1 : 0;
  options.minRetryInterval = 1;
  options.maxRetryInterval = 1;
  listen_to(options);
  return finish(MQTTAsync_connect(client_, &options));
}

Outcome PahoAsync::subscribe(const std::string& filter, int qos) {
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  listen_to(options);
  return finish(MQTTAsync_subscribe(client_, filter.c_str(), qos, &options));
}

Outcome PahoAsync::publish(const Message& message) {
  MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
  listen_to(options);
  return finish(MQTTAsync_send(client_, message.topic.c_str(), static_cast<int>(message.payload.size()),
                               message.payload.data(), message.qos, 0, &options));
}

Outcome PahoAsync::disconnect() {
  MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
  if (version_ == MQTTVERSION_5) options = MQTTAsync_disconnectOptions_initializer5;
  listen_to(options);
  return finish(MQTTAsync_disconnect(client_, &options));
}

std::vector<Message> PahoAsync::messages(std::size_t count) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, patience, [&] { return messages_.size() >= count; });
  return messages_;
}

bool PahoAsync::wait_until_lost() {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, [this] { return lost_; });
}

bool PahoAsync::wait_until_connected(int times) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, [&] { return connected_ >= times; });
}

}  // namespace bastion::e2e
