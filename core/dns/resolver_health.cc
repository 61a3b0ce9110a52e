#include "core/dns/resolver_health.h"

#include <algorithm>

namespace happy::dns {
namespace {

// Of a server's clock, whose timers may be as coarse as a tenth.
constexpr Duration kLeastMargin{50'000};
constexpr Duration kMostMargin{500'000};

}  // namespace

void Health::failed(Time now) {
  if (!is_well(now)) return;
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLastPause);
  until_ = now + pause_;
}

std::vector<size_t> well_first(const std::vector<size_t>& candidates,
                               const std::vector<Health>& health, Time now) {
  std::vector<size_t> out = candidates;
  std::stable_partition(out.begin(), out.end(), [&](size_t index) {
    return health.at(index).is_well(now);
  });
  return out;
}

void AnswerTime::sample(Duration time) {
  if (!smoothed_) {
    smoothed_ = time;
    variation_ = time / 2;
    return;
  }
  const Duration error =
      *smoothed_ > time ? *smoothed_ - time : time - *smoothed_;
  variation_ = (variation_ * 3 + error) / 4;
  smoothed_ = (*smoothed_ * 7 + time) / 8;
}

Duration AnswerTime::patience() const {
  if (!smoothed_) return kMostPatience;
  return std::clamp(std::max(*smoothed_ * 5 / 2, *smoothed_ + variation_ * 4),
                    kLeastPatience, kMostPatience);
}

void IdleHorizon::closed_after(Duration idle, Time now) {
  if (horizon_ && now - learned_ < kRemembered && *horizon_ < idle) return;
  horizon_ = idle;
  learned_ = now;
}

std::optional<Duration> IdleHorizon::limit(Duration round_trip,
                                           Time now) const {
  if (!horizon_ || now - learned_ >= kRemembered) return std::nullopt;
  const Duration margin =
      std::clamp(*horizon_ / 10, kLeastMargin, kMostMargin) + round_trip;
  return std::max(Duration::zero(), *horizon_ - margin);
}

}  // namespace happy::dns
