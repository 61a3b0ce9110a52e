// One network namespace (with a mount namespace of its own) that has no name
// and no process: a few descriptors keep it alive, so that it ends with this
// process, however that ends. Made by root, else in a user namespace.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/lab/descriptor.h"

namespace happy::lab {

class Namespace {
 public:
  // `sibling`: shares its user namespace, where there is one.
  explicit Namespace(const Namespace* sibling = nullptr);

  // Moves the calling process in. For children after fork(): only
  // async-signal-safe calls. False where the kernel refuses.
  bool enter() const;
  // The same as a value for Command::enter; lives longer than this object's
  // move or destruction.
  std::function<bool()> entrance() const;

  // Calls `open` in a child inside and returns the descriptors that it opened.
  // Throws with the child's error.
  std::vector<Descriptor> open_inside(
      const std::function<std::vector<Descriptor>()>& open) const;
  // Runs a program inside and throws with its output where it fails.
  void must_run(const std::vector<std::string>& arguments,
                const std::string& input = {}) const;

 private:
  struct Doors {
    Descriptor user, network, mount;  // user: only without privilege
    Descriptor root;                  // the root folder inside
    std::string folder;               // the working folder to come back to
  };
  static bool enter(const Doors& doors);

  std::shared_ptr<const Doors> doors_;
};

}  // namespace happy::lab
