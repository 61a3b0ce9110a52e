#include "core/shared_state.h"

#include <unistd.h>

#include <ctime>
#include <fstream>

#include "core/net/clock.h"

namespace happy {
namespace {

Duration since_boot() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::duration_cast<Duration>(
      std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace

// Empty, and so like any other without it, where /proc is not there.
const std::string& boot_id() {
  static const std::string& id = *new std::string([] {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string out;
    std::getline(file, out);
    return out;
  }());
  return id;
}

state::SharedClock shared_clock() {
  return {boot_id(), since_boot() - net::monotonic_now().time_since_epoch()};
}

StateFolder* SharedState::folder() {
  if (settings_.folder.empty() || is_of_no_use_) return nullptr;
  if (StateFolder* const open = folder_.load()) return open;
  std::string why;
  auto made = StateFolder::open(settings_.folder, settings_.descriptors, &why);
  if (made == nullptr) {
    if (!is_of_no_use_.exchange(true) && !why.empty())
      settings_.warn("nothing is shared with other processes: " + why);
    return nullptr;
  }
  StateFolder* expected = nullptr;
  if (folder_.compare_exchange_strong(expected, made.get()))
    return made.release();
  return expected;
}

// A file that says nothing is out of the way from now on. One of an earlier
// boot, or of a key that has the same short form, will be written anew.
void SharedState::distrust(const std::string& name, const std::string& text) {
  if (state::is_record(text)) return;
  folder()->set_aside(name);
  warn_of_broken(name, "set aside");
}

void SharedState::warn_of_broken(const std::string& name, const char* fate) {
  if (!has_warned_.exchange(true))
    settings_.warn("the state file " + settings_.folder + "/" + name +
                   " is broken and " + fate);
}

template <typename Decode>
auto SharedState::read(const std::string& name, Decode decode)
    -> decltype(decode(std::string())) {
  StateFolder* const open = folder();
  const auto text = open != nullptr ? open->read(name) : std::nullopt;
  if (!text) return std::nullopt;
  auto record = decode(*text);
  if (!record) distrust(name, *text);
  return record;
}

std::optional<state::SharedAnswer> SharedState::find(
    const state::AnswerKey& key) {
  return read(state::file_name(key), [&key](const std::string& text) {
    return state::answer_of(text, key, shared_clock());
  });
}

std::optional<state::HistorySnapshot> SharedState::find(
    state::NetworkId network) {
  return read(state::file_name(network), [network](const std::string& text) {
    return state::history_of(text, network, shared_clock());
  });
}

std::optional<dns::ResolverKnowledge> SharedState::find(
    const state::ResolverKey& key) {
  return read(state::file_name(key), [&key](const std::string& text) {
    return state::knowledge_of(text, key, shared_clock());
  });
}

void SharedState::keep(const state::ResolverKey& key,
                       const dns::ResolverKnowledge& knowledge) {
  if (StateFolder* const open = folder())
    open->write(state::file_name(key),
                state::to_text(key, knowledge, shared_clock()));
}

void SharedState::keep(const state::AnswerKey& key,
                       const state::SharedAnswer& answer) {
  if (StateFolder* const open = folder())
    open->write(state::file_name(key),
                state::to_text(key, answer, shared_clock()));
}

void SharedState::keep(const state::HistorySnapshot& history) {
  if (StateFolder* const open = folder())
    open->write(state::file_name(history.network),
                state::to_text(history, shared_clock()));
}

bool SharedState::keep_ticket(std::string_view key, std::string_view ticket) {
  StateFolder* const open = folder();
  if (open == nullptr) return false;
  unsigned number = 0;
  while (number < state::kTicketsOfOneKey &&
         open->has(state::ticket_file_name(key, number)))
    ++number;
  const state::SharedTicket record{std::string(key), std::string(ticket),
                                   net::monotonic_now()};
  return open->write(
      state::ticket_file_name(key, number % state::kTicketsOfOneKey),
      state::to_text(record, shared_clock()));
}

std::string SharedState::take_ticket(std::string_view key) {
  constexpr Duration kLife = std::chrono::hours(24);
  StateFolder* const open = folder();
  if (open == nullptr) return {};
  for (unsigned n = 0; n < state::kTicketsOfOneKey; ++n) {
    const std::string name = state::ticket_file_name(key, n);
    const auto text = open->take(name);
    if (!text) continue;
    auto found = state::ticket_of(*text, key, shared_clock());
    if (found && net::monotonic_now() - found->stored < kLife)
      return std::move(found->ticket);
    if (!state::is_record(*text)) warn_of_broken(name, "removed");
  }
  return {};
}

void SharedState::sweep_sometimes() {
  constexpr unsigned kEvery = 64;
  const auto number = static_cast<unsigned>(getpid()) + calls_++;
  if (number % kEvery != 0) return;
  if (StateFolder* const open = folder()) open->sweep();
}

}  // namespace happy
