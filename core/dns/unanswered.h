// Questions that no resolver replied to in time, remembered for a second, so
// that not every look-up in a row waits out the same silence (RFC 9520 section
// 3.2). Pure: time is an argument. Bounded.
#pragma once

#include <chrono>
#include <cstddef>
#include <unordered_map>

#include "core/base/time.h"
#include "core/dns/message.h"
#include "core/dns/name.h"

namespace happy::dns {

class Unanswered {
 public:
  static constexpr Duration kLife = std::chrono::seconds(1);
  static constexpr size_t kMost = 1024;

  // `rule`: by whose resolvers it was asked.
  void note(size_t rule, const Name& name, Type type, Time now) {
    if (until_.size() >= kMost)
      std::erase_if(until_,
                    [now](const auto& one) { return one.second <= now; });
    if (until_.size() < kMost) until_[{rule, name, type}] = now + kLife;
  }
  bool is_noted(size_t rule, const Name& name, Type type, Time now) const {
    const auto found = until_.find({rule, name, type});
    return found != until_.end() && now < found->second;
  }

 private:
  struct Question {
    size_t rule;
    Name name;
    Type type;
    bool operator==(const Question&) const = default;
  };
  struct Hash {
    size_t operator()(const Question& question) const {
      return question.name.hash() ^ (question.rule << 8) ^
             static_cast<size_t>(question.type);
    }
  };
  std::unordered_map<Question, Time, Hash> until_;
};

}  // namespace happy::dns
