// The scriptable DoT server (tests/support) as the resolver of a lab, in a
// process of its own. docs/testing.md has the format of its script.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/lab/child.h"
#include "tests/lab/temp_folder.h"
#include "tests/lab/unbound.h"

namespace happy::lab {

class ScriptedDot {
 public:
  // Returns once it listens. Throws with what it said where it does not.
  ScriptedDot(const nlohmann::json& script, const std::function<bool()>& enter,
              const TempFolder& folder);

  const std::string& pin() const { return pin_; }
  pid_t pid() const { return server_->pid(); }

 private:
  std::unique_ptr<Server> server_;
  std::string pin_;
};

// The script's "zone" for these names.
nlohmann::json zone_of(const std::vector<Name>& names);

}  // namespace happy::lab
