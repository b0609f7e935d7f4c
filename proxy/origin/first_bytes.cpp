// Naming what is not MQTT and not TLS by its first bytes.
#include "proxy/origin/first_bytes.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace bastion::origin {

namespace {

using Bytes = std::span<const std::uint8_t>;
using namespace std::literals;

constexpr std::uint8_t tls_handshake = 0x16;
constexpr std::uint8_t tls_major = 0x03;

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// True if the byte is in hand and is this one.
bool is_at(Bytes bytes, std::size_t at, std::uint8_t wanted) {
  return bytes.size() > at && bytes[at] == wanted;
}

// True if what is in hand of that place agrees with `wanted`: bytes still to come are given the benefit of the doubt.
bool agrees(Bytes bytes, std::size_t at, std::string_view wanted) {
  if (bytes.size() <= at) return true;
  const std::string_view there = as_text(bytes.subspan(at)).substr(0, wanted.size());
  return there == wanted.substr(0, there.size());
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains_ignoring_case(std::string_view text, std::string_view wanted) {
  const auto same = [](char a, char b) { return lower(a) == lower(b); };
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), same) != text.end();
}

bool is_mqtt(Bytes bytes) {
  if (!is_at(bytes, 0, 0x10)) return false;
  std::size_t at = 1;
  while (at <= 4 && at < bytes.size() && (bytes[at] & 0x80u) != 0) ++at;
  if (at > 4) return false;
  return agrees(bytes, at + 1, "\0\4MQTT"sv) || agrees(bytes, at + 1, "\0\6MQIsdp"sv);
}

constexpr std::array http_methods = {"GET "sv,   "HEAD "sv,  "POST "sv,  "PUT "sv,      "DELETE "sv, "OPTIONS "sv,
                                     "TRACE "sv, "PATCH "sv, "PRI * "sv, "PROPFIND "sv, "REPORT "sv, "SEARCH "sv,
                                     "MKCOL "sv, "COPY "sv,  "MOVE "sv,  "LOCK "sv,     "UNLOCK "sv, "PROPPATCH "sv,
                                     "DEBUG "sv, "TRACK "sv, "HTTP/"sv};

bool is_http(std::string_view text) {
  return std::any_of(http_methods.begin(), http_methods.end(), [text](auto method) { return text.starts_with(method); });
}

bool is_proxy_header(Bytes bytes) {
  constexpr std::string_view v2_signature = "\r\n\r\n\0\r\nQUIT\n"sv;
  if (as_text(bytes).starts_with("PROXY "sv)) return true;
  return bytes.size() >= 5 && agrees(bytes, 0, v2_signature);
}

// TPKT (RFC 1006) that carries an X.224 connection request.
bool is_rdp(Bytes bytes) {
  constexpr std::string_view connection_request = "\xe0"sv;
  return bytes.size() >= 2 && bytes[0] == 3 && bytes[1] == 0 && agrees(bytes, 5, connection_request);
}

// A NetBIOS session message with SMB 1 or 2 in it, or a NetBIOS session request (RFC 1002).
bool is_smb(Bytes bytes) {
  if (bytes.size() < 5) return false;
  if (bytes[0] == 0x81) return bytes[1] == 0 && bytes[2] == 0;
  return bytes[0] == 0 && (agrees(bytes, 4, "\xffSMB"sv) || agrees(bytes, 4, "\xfeSMB"sv));
}

bool is_socks(Bytes bytes) {
  if (bytes.size() < 2) return false;
  if (bytes[0] == 4) return bytes[1] == 1 || bytes[1] == 2;
  return bytes[0] == 5 && bytes[1] >= 1 && bytes[1] <= 16;
}

// The array of bulk strings that a Redis client sends.
bool is_redis(Bytes bytes) {
  if (bytes.size() < 2 || bytes[0] != '*' || bytes[1] < '1' || bytes[1] > '9') return false;
  const std::string_view text = as_text(bytes).substr(1);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  return agrees(bytes, 1 + digits, "\r\n$"sv);
}

// Option negotiation (RFC 854), or the first words of the worms that look for open shells.
bool is_telnet(Bytes bytes) {
  if (bytes.size() >= 2 && bytes[0] == 0xff && bytes[1] >= 0xfb && bytes[1] <= 0xfe) return true;
  constexpr std::array words = {"enable\r\n"sv, "system\r\n"sv, "shell\r\n"sv, "sh\r\n"sv, "/bin/busybox"sv};
  const std::string_view text = as_text(bytes);
  return std::any_of(words.begin(), words.end(), [text](auto word) { return text.starts_with(word); });
}

// An SSL 2.0 record with a ClientHello of SSL 2.0, or of SSL 3.0 and TLS in the old form.
bool is_sslv2(Bytes bytes) {
  if (bytes.size() < 3 || (bytes[0] & 0x80u) == 0 || bytes[2] != 1) return false;
  return agrees(bytes, 3, "\0\2"sv) || agrees(bytes, 3, "\3"sv);
}

bool is_printable(std::uint8_t byte) {
  return (byte >= 0x20 && byte <= 0x7e) || byte == '\t' || byte == '\r' || byte == '\n';
}

Guess guess_text(std::string_view text) {
  if (text.starts_with("SSH-"sv)) return Guess::ssh;
  if (text.starts_with("CNXN"sv)) return Guess::adb;
  if (text.starts_with("CONNECT "sv)) return Guess::http_connect;
  if (!is_http(text)) return Guess::need_more;
  return contains_ignoring_case(text, "upgrade: websocket"sv) ? Guess::websocket : Guess::http;
}

}  // namespace

Guess guess(Bytes in_hand) {
  const Bytes bytes = in_hand.first(std::min(in_hand.size(), first_bytes_max));
  if (may_be_tls(bytes)) return bytes.size() < 3 ? Guess::need_more : Guess::tls;
  if (is_mqtt(bytes)) return Guess::mqtt;
  if (is_proxy_header(bytes)) return Guess::proxy_header;
  if (const Guess named = guess_text(as_text(bytes)); named != Guess::need_more) return named;
  if (is_telnet(bytes)) return Guess::telnet;
  if (is_redis(bytes)) return Guess::redis;
  if (is_rdp(bytes)) return Guess::rdp;
  if (is_smb(bytes)) return Guess::smb;
  if (is_socks(bytes)) return Guess::socks;
  if (is_sslv2(bytes)) return Guess::sslv2;
  return std::all_of(bytes.begin(), bytes.end(), is_printable) ? Guess::text : Guess::binary;
}

bool may_be_tls(Bytes in_hand) {
  if (!in_hand.empty() && in_hand[0] != tls_handshake) return false;
  if (in_hand.size() > 1 && in_hand[1] != tls_major) return false;
  return in_hand.size() <= 2 || (in_hand[2] & 0xf0u) == 0;
}

std::optional<std::uint32_t> client_hello_bytes(Bytes in_hand) {
  constexpr std::uint32_t absurd = 0xffffff;
  constexpr unsigned handshake_header_bytes = 4;
  if (in_hand.size() < 5) return std::nullopt;
  if ((unsigned{in_hand[3]} << 8 | in_hand[4]) < handshake_header_bytes) return absurd;
  if (in_hand.size() < 9) return std::nullopt;
  return std::uint32_t{in_hand[6]} << 16 | std::uint32_t{in_hand[7]} << 8 | in_hand[8];
}

}  // namespace bastion::origin
