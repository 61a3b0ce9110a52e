// A folder of small files that the processes of one user share: one file a key,
// written under another name and renamed, so that a reader sees a whole file or
// none, whoever is killed when. No lock, no mapping, nothing that a fork could
// break; the folder is held open, so that a later chroot() changes nothing.
// docs/state.md tells what is kept. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/descriptor_policy.h"

namespace happy {

// Which folder that is by the environment (docs/state.md, "Where"); empty:
// nothing is shared. The shim decides the same by itself.
std::string find_state_folder();

class StateFolder {
 public:
  static constexpr size_t kMostOctets = size_t{64} << 10;  // of one file
  static constexpr size_t kMostFiles = 4096;
  // Files not written for so long are of no use to anybody.
  static constexpr std::chrono::hours kLife{25};

  // Makes the folder where it is missing, not those above. nullptr where it
  // cannot be used; `why` is empty where nobody needs to know: no such place,
  // no permission. It must be this user's own, and nobody else's to enter.
  static std::unique_ptr<StateFolder> open(
      const std::string& path, const net::DescriptorPolicy& descriptors,
      std::string* why);
  ~StateFolder();
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  // nullopt: no such file, or none that this user has written.
  std::optional<std::string> read(const std::string& name) const;
  // False where it could not be written: the disk is full, or not ours.
  bool write(const std::string& name, std::string_view content);
  // Reads it and takes it away: of several that try one has it.
  std::optional<std::string> take(const std::string& name);
  void remove(const std::string& name) const;
  bool has(const std::string& name) const;
  // Out of everybody's way.
  void set_aside(const std::string& name) const;
  // All of this kind but what is set aside or being written.
  std::vector<std::string> names() const;
  // Removes what is too old, and the oldest of what is too much.
  void sweep() const;

 private:
  StateFolder(int folder, net::DescriptorPolicy descriptors)
      : folder_(folder), descriptors_(std::move(descriptors)) {}
  std::optional<std::string> read_file(const char* name) const;
  void for_each(const std::function<void(const std::string&)>& visit) const;
  bool write_file(const char* name, std::string_view content) const;

  const int folder_;
  const net::DescriptorPolicy descriptors_;
  std::atomic<uint32_t> written_{0};
};

}  // namespace happy
