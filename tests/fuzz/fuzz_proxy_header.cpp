// Any bytes as a PROXY header: whatever is said of them holds for more of them too, and what is read can be written again.
#include <cstddef>
#include <cstdint>

#include "proxy/origin/proxy_header.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bastion::origin;
  const std::span<const std::uint8_t> whole{data, size};
  const auto all = read_proxy_header(whole);
  for (std::size_t cut = 0; cut < size && cut < 300; ++cut) {
    const auto part = read_proxy_header(whole.first(cut));
    if (std::holds_alternative<ProxyHeaderCutShort>(part)) continue;
    if (part.index() != all.index()) __builtin_trap();
    if (const auto* fault = std::get_if<ProxyHeaderFault>(&part); fault && *fault != std::get<ProxyHeaderFault>(all)) {
      __builtin_trap();
    }
  }
  const auto* const header = std::get_if<ProxyHeader>(&all);
  if (header == nullptr) return 0;
  if (header->bytes > size || header->bytes > proxy_header_bytes_max) __builtin_trap();
  if (!header->source) return 0;
  for (const auto version : {ProxyVersion::v1, ProxyVersion::v2}) {
    const auto again = read_proxy_header(proxy_header(version, *header->source, *header->source));
    const auto* const same = std::get_if<ProxyHeader>(&again);
    if (same == nullptr || same->source != header->source) __builtin_trap();
  }
  return 0;
}
