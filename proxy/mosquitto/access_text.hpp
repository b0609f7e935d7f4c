// Who has to log in at the gate, by which of the broker's files the gate knows them, and what becomes of topics.
#pragma once

#include "proxy/mosquitto/conf.hpp"
#include "proxy/mosquitto/plan.hpp"
#include "proxy/mosquitto/toml_text.hpp"

namespace bastion::mosquitto {

/// `[authentication]`.
void write_authentication(TomlText& out, const Conf& conf, const Plan& plan, const ImportOptions& options);
/// Only as comments: the broker goes on deciding on topics.
void write_authorization(TomlText& out, const Conf& conf, const Plan& plan, const ImportOptions& options);

}  // namespace bastion::mosquitto
