// What log lines say. Everything that came from a client is cut, escaped and quoted.
#include "proxy/account/log.hpp"

namespace bastion::account {
namespace {

constexpr std::size_t detail_bytes_max = 160;
constexpr std::size_t message_bytes_max = 2048;
constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_printable(unsigned char c) {
  return c >= 0x20 && c < 0x7f;
}

void append_hex(std::string& to, std::string_view introducer, unsigned char c) {
  to += introducer;
  to += hex_digits[c >> 4];
  to += hex_digits[c & 0x0f];
}

void append_escaped(std::string& to, unsigned char c, LogFormat format) {
  const bool is_special = c == '"' || c == '\\';
  if (is_printable(c) && !is_special) {
    to += static_cast<char>(c);
  } else if (format == LogFormat::text) {
    append_hex(to, "\\x", c);
  } else if (is_special) {
    to += '\\';
    to += static_cast<char>(c);
  } else {
    append_hex(to, "\\u00", c);
  }
}

/// `2026-01-02T03:04:05.678Z`.
std::string iso_time(std::chrono::system_clock::time_point wall) {
  namespace chrono = std::chrono;
  const auto day = chrono::floor<chrono::days>(wall);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss clock{chrono::floor<chrono::milliseconds>(wall - day)};
  std::string text;
  const auto append = [&text](long long value, std::size_t width, char after) {
    const std::string digits = std::to_string(value);
    if (digits.size() < width) text.append(width - digits.size(), '0');
    text += digits;
    text += after;
  };
  append(static_cast<int>(date.year()), 4, '-');
  append(static_cast<unsigned>(date.month()), 2, '-');
  append(static_cast<unsigned>(date.day()), 2, 'T');
  append(clock.hours().count(), 2, ':');
  append(clock.minutes().count(), 2, ':');
  append(clock.seconds().count(), 2, '.');
  append(clock.subseconds().count(), 3, 'Z');
  return text;
}

std::string_view label(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return "error";
    case LogLevel::warning:
      return "warning";
    case LogLevel::info:
      return "info";
    case LogLevel::debug:
      break;
  }
  return "debug";
}

std::string_view label(MqttVersion version) {
  switch (version) {
    case MqttVersion::v3_1:
      return "3.1";
    case MqttVersion::v3_1_1:
      return "3.1.1";
    case MqttVersion::v5_0:
      break;
  }
  return "5.0";
}

/// Builds one line out of fields, in either format.
class Line {
 public:
  Line(LogFormat format, std::chrono::system_clock::time_point wall, std::string_view event_key, std::string_view event)
      : format_{format} {
    if (format_ == LogFormat::text) {
      text_ = iso_time(wall) + ' ';
      text_ += event;
      return;
    }
    text_ = "{\"time\":\"" + iso_time(wall) + '"';
    word(event_key, event);
  }

  /// The gate's own words, without a space in them.
  void word(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    if (format_ == LogFormat::json) text_ += '"';
    text_ += escaped(value, format_);
    if (format_ == LogFormat::json) text_ += '"';
  }
  void quoted(std::string_view key, std::string_view value, std::size_t bytes_max = 64) {
    if (value.empty()) return;
    begin(key);
    text_ += '"';
    text_ += escaped(value, format_, bytes_max);
    text_ += '"';
  }
  template <class Number>
  void number(std::string_view key, Number value) {
    begin(key);
    text_ += std::to_string(value);
  }
  /// The rest of a text line, as a sentence.
  void sentence(std::string_view key, std::string_view value) {
    if (format_ == LogFormat::json) return quoted(key, value, message_bytes_max);
    text_ += ' ';
    for (const char c : value.substr(0, message_bytes_max)) {
      if (c == '"' || c == '\\') {
        text_ += c;
      } else {
        append_escaped(text_, static_cast<unsigned char>(c), format_);
      }
    }
    if (value.size() > message_bytes_max) text_ += "...";
  }
  [[nodiscard]] std::string take() {
    if (format_ == LogFormat::json) text_ += '}';
    return std::move(text_);
  }

 private:
  void begin(std::string_view key) {
    const bool is_json = format_ == LogFormat::json;
    text_ += is_json ? ",\"" : " ";
    text_ += key;
    text_ += is_json ? "\":" : "=";
  }

  LogFormat format_;
  std::string text_;
};

void append_where(Line& line, const Ending& ending, std::string_view listener) {
  line.word("client", SocketAddress{ending.origin.address, ending.origin.port}.text());
  if (ending.via) line.word("via", ending.via->text());
  line.word("listener", listener);
}

void append_refusal(Line& line, Refusal refusal) {
  line.word("stage", bastion::label(info(refusal.reason).stage));
  line.word("reason", bastion::label(refusal.reason));
  line.word("cause", bastion::label(refusal.cause));
}

/// How a message is published; its topic, which the client chose, comes last.
void append_form(Line& line, const TopicNote& about) {
  if (about.qos) line.number("qos", static_cast<unsigned>(*about.qos));
  if (about.retain) line.word("retain", "true");
}

/// What is known of the client itself, what it chose last.
void append_client(Line& line, const Ending& ending, const Mask& mask) {
  line.word("tls", ending.tls_version);
  if (ending.version) line.word("mqtt", label(*ending.version));
  line.quoted("role", ending.role);
  line.quoted("detail", ending.detail, detail_bytes_max);
  line.quoted("user", ending.user_is_known ? ending.user_name : mask(ending.user_name));
  line.quoted("client_id", ending.client_id);
}

}  // namespace

std::string escaped(std::string_view text, LogFormat format, std::size_t bytes_max) {
  std::string out;
  const std::string_view shown = text.substr(0, bytes_max);
  out.reserve(shown.size() + 3);
  for (const char c : shown) append_escaped(out, static_cast<unsigned char>(c), format);
  if (shown.size() < text.size()) out += "...";
  return out;
}

std::string ending_line(const Ending& ending, std::string_view listener, std::chrono::system_clock::time_point wall,
                        LogFormat format, const Mask& mask) {
  Line line{format, wall, "event", ending.refusal ? "refused" : "closed"};
  append_where(line, ending, listener);
  if (ending.refusal) {
    append_refusal(line, *ending.refusal);
  } else {
    line.word("how", account::label(ending.close));
  }
  if (ending.would_refuse) line.word("would_refuse", bastion::label(ending.would_refuse->reason));
  line.number("duration_ms", ending.duration_ms);
  line.number("bytes_up", ending.bytes_up);
  line.number("bytes_down", ending.bytes_down);
  append_client(line, ending, mask);
  return line.take();
}

std::string observation_line(const Ending& so_far, Refusal refusal, const TopicNote& about, std::string_view listener,
                             std::chrono::system_clock::time_point wall, LogFormat format, const Mask& mask) {
  Line line{format, wall, "event", "would_refuse"};
  append_where(line, so_far, listener);
  append_refusal(line, refusal);
  append_form(line, about);
  append_client(line, so_far, mask);
  line.quoted("topic", about.text);
  return line.take();
}

std::string denial_line(const Ending& so_far, Denied what, const TopicNote& about, std::string_view listener,
                        std::chrono::system_clock::time_point wall, LogFormat format, const Mask& mask) {
  Line line{format, wall, "event", "denied"};
  append_where(line, so_far, listener);
  line.word("what", bastion::label(what));
  append_form(line, about);
  append_client(line, so_far, mask);
  line.quoted("topic", about.text);
  return line.take();
}

std::string message_line(LogLevel level, std::string_view message, std::chrono::system_clock::time_point wall,
                         LogFormat format) {
  Line line{format, wall, "level", label(level)};
  line.sentence("message", message);
  return line.take();
}

}  // namespace bastion::account
