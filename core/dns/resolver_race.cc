#include "core/dns/resolver_race.h"

namespace happy::dns {

ResolverRace::Step ResolverRace::result(bool usable, Time now) {
  --outstanding_;
  if (usable || (untried_.empty() && outstanding_ == 0)) return {.over = true};
  return untried_.empty() ? wait() : ask_next(now);
}

ResolverRace::Step ResolverRace::tick(Time now) {
  if (untried_.empty() || now < next_at_) return wait();
  return ask_next(now);
}

ResolverRace::Step ResolverRace::ask_next(Time now) {
  Step out{.ask = untried_.front()};
  untried_.erase(untried_.begin());
  ++outstanding_;
  next_at_ = now + kStagger;
  out.wake = wait().wake;
  return out;
}

ResolverRace::Step ResolverRace::wait() const {
  if (untried_.empty()) return {};
  return {.wake = next_at_};
}

}  // namespace happy::dns
