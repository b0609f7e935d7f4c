// From which networks clients may come, how many, and what MQTT they may speak.
#pragma once

#include "proxy/mosquitto/conf.hpp"
#include "proxy/mosquitto/plan.hpp"
#include "proxy/mosquitto/toml_text.hpp"

namespace bastion::mosquitto {

/// `[admission]`.
void write_admission(TomlText& out, const Conf& conf, const Plan& plan, const ImportOptions& options);
/// `[mqtt]`.
void write_mqtt(TomlText& out, const Conf& conf, const Plan& plan);

}  // namespace bastion::mosquitto
