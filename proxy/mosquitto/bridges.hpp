// What a mosquitto.conf's own bridges need where a gate comes before the broker that they lead to, as comments.
#pragma once

#include "proxy/mosquitto/conf.hpp"
#include "proxy/mosquitto/toml_text.hpp"

namespace bastion::mosquitto {

/// Nothing where there is no bridge; each bridge by its name and place, with what is to be changed in its lines and what the
/// other gate's policy has to say.
void write_bridges(TomlText& out, const Conf& conf);

}  // namespace bastion::mosquitto
