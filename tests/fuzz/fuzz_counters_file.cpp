// Any bytes as a file of counters: taken whole and written back the same, or a fault.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/account/counters_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bastion::account;
  // A fuzzer finds no checksums: it gives the lines, and they are sealed here.
  std::string text = "mqtt-bastion counters 1\n" + std::string(reinterpret_cast<const char*>(data), size);
  if (text.back() != '\n') text += '\n';
  std::uint64_t sum = 0xcbf29ce484222325u;
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (; sum != 0; sum >>= 4) hex.insert(hex.begin(), digits[sum & 0xf]);
  const auto read = read_counters(text + "end " + hex + '\n');
  if (const auto* counters = std::get_if<Counters>(&read)) {
    const auto written = counters_text(*counters);
    const auto again = read_counters(written);
    const auto* same = std::get_if<Counters>(&again);
    if (same == nullptr || counters_text(*same) != written) __builtin_trap();
  }
  return 0;
}
