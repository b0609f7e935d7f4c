// What a mosquitto.conf says beyond what a policy can, as comments.
#pragma once

#include "proxy/mosquitto/conf.hpp"
#include "proxy/mosquitto/plan.hpp"
#include "proxy/mosquitto/toml_text.hpp"

namespace bastion::mosquitto {

/// Each option once, with the first place where it stands.
void write_leftovers(TomlText& out, const Conf& conf, const Plan& plan);

}  // namespace bastion::mosquitto
