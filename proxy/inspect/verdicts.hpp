// The verdicts on the topics that a session keeps using: a comparison each, not a walk through the rules.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace bastion::inspect {

/// The last few answers to one kind of question. `Answer` is small and trivial. Takes no memory of its own before the first
/// answer is kept; long topics are not kept.
template <class Answer>
class Verdicts {
 public:
  /// `asked`: what else the answer depends on.
  [[nodiscard]] std::optional<Answer> find(std::string_view topic, std::uint8_t asked) const {
    if (!entries_) return std::nullopt;
    for (const auto& entry : *entries_) {
      if (entry.asked == asked && entry.topic == topic) return entry.answer;
    }
    return std::nullopt;
  }
  void keep(std::string_view topic, std::uint8_t asked, Answer answer) {
    if (topic.size() > topic_bytes_max) return;
    if (!entries_) entries_ = std::make_unique<Entries>();
    auto& entry = (*entries_)[next_];
    next_ = static_cast<std::uint8_t>((next_ + 1u) % entries_->size());
    entry.topic.assign(topic);
    entry.asked = asked;
    entry.answer = answer;
  }
  /// The rules are others now.
  void forget() { entries_.reset(); }

 private:
  static constexpr std::size_t topic_bytes_max = 256;
  struct Entry {
    std::string topic;
    std::uint8_t asked = 0;
    Answer answer{};
  };
  using Entries = std::array<Entry, 4>;
  std::unique_ptr<Entries> entries_;
  std::uint8_t next_ = 0;
};

}  // namespace bastion::inspect
