// What MQTT calls a UTF-8 encoded string.
#pragma once

#include <string_view>

namespace bastion::mqtt {

/// Well-formed UTF-8 as Unicode and RFC 3629 define it (no over-long form, no surrogate, nothing above U+10FFFF) and without
/// U+0000: [MQTT-1.5.3-1], [MQTT-1.5.3-2]; in 5.0 [MQTT-1.5.4-1], [MQTT-1.5.4-2]. Control characters and non-characters
/// pass: the standards only advise against them. An empty string is valid.
[[nodiscard]] bool is_valid_utf8(std::string_view text);

}  // namespace bastion::mqtt
