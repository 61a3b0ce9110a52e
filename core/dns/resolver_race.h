// One question put to several resolvers: who is asked when, and when it is
// decided. The first is asked at once, the next when the one before it failed,
// answered without an answer, or was silent for a while; the first usable
// answer wins. Pure: time is an argument, and who asks is somebody else.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/base/time.h"

namespace happy::dns {

class ResolverRace {
 public:
  // RFC 8305's attempt delay, for resolvers.
  static constexpr Duration kStagger{250'000};

  struct Step {
    std::optional<size_t> ask{};  // this resolver now
    std::optional<Time> wake{};   // call tick() then; none: not at all
    bool over = false;            // a usable answer is in, or nobody is left
    bool operator==(const Step&) const = default;
  };

  // `order`: the resolvers, at least one, the first to be asked first.
  explicit ResolverRace(std::vector<size_t> order)
      : untried_(std::move(order)) {}

  Step begin(Time now) { return ask_next(now); }
  // A resolver's result has come: `usable` if it settles the question. Nothing
  // may be called after a step that was over.
  Step result(bool usable, Time now);
  Step tick(Time now);

 private:
  Step ask_next(Time now);
  Step wait() const;

  std::vector<size_t> untried_;
  size_t outstanding_ = 0;
  Time next_at_{};
};

}  // namespace happy::dns
