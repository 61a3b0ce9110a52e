// What the processes of one user tell each other through a folder of files:
// answers of resolvers, and what is known of addresses. docs/state.md tells
// what is kept, where and how long. Nothing here is needed: where the folder
// cannot be used, each process has what it learned itself.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/state/shared_records.h"
#include "core/state_folder.h"

namespace happy {

// The folder that HAPPY_STATE or XDG_RUNTIME_DIR name; empty: none.
struct StateSettings {
  std::string folder;
  net::DescriptorPolicy descriptors;
  std::function<void(const std::string&)> warn;
};

class SharedState {
 public:
  explicit SharedState(StateSettings settings)
      : settings_(std::move(settings)) {}
  ~SharedState() { delete folder_.load(); }
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;

  // Opens the folder, which else is done when it is first needed. Any thread.
  StateFolder* folder();

  // Any thread.
  std::optional<state::SharedAnswer> find(const state::AnswerKey& key);
  std::optional<state::HistorySnapshot> find(state::NetworkId network);
  std::optional<dns::ResolverKnowledge> find(const state::ResolverKey& key);
  // Loop thread: may wait for a disk.
  void keep(const state::AnswerKey& key, const state::SharedAnswer& answer);
  void keep(const state::HistorySnapshot& history);
  void keep(const state::ResolverKey& key,
            const dns::ResolverKnowledge& knowledge);
  // TLS session tickets; `key` says what one is good for. Of several that take
  // one ticket one has it; empty: there is none. keep: false where it cannot be
  // kept.
  bool keep_ticket(std::string_view key, std::string_view ticket);
  std::string take_ticket(std::string_view key);
  // Removes old files, now and then: one process in many does, and who writes
  // much. Loop thread, where nobody waits for it.
  void sweep_sometimes();

 private:
  // What `decode` makes of the file; nullopt where there is none.
  template <typename Decode>
  auto read(const std::string& name, Decode decode)
      -> decltype(decode(std::string()));
  void distrust(const std::string& name, const std::string& text);
  void warn_of_broken(const std::string& name, const char* fate);

  const StateSettings settings_;
  std::atomic<StateFolder*> folder_{nullptr};
  std::atomic<bool> is_of_no_use_{false};
  std::atomic<bool> has_warned_{false};
  unsigned calls_ = 0;  // of sweep_sometimes
};

// Of this boot, at this moment.
const std::string& boot_id();
state::SharedClock shared_clock();

}  // namespace happy
