#include "shim/core_host.h"

#include "shim/context.h"
#include "shim/descriptors.h"
#include "shim/races.h"
#include "shim/report.h"
#include "shim/settings.h"

namespace happy::shim {
namespace {

constinit happy_host host{};

void enter_helper_thread() {
  bypass_depth = 1;
  helper_thread = true;
}

}  // namespace

const happy_host* host_for_core(bool deep_bind) {
  const Settings& s = settings();
  host.abi = HAPPY_ENGINE_ABI;
  host.policy_text = s.policy_text;
  host.policy_size = s.policy_size;
  host.policy_path = s.policy_path;
  host.policy_error = s.policy_error;
  host.library_folder = s.folder;
  host.deep_bind = deep_bind ? 1 : 0;
  host.eager = s.eager ? 1 : 0;
  host.state_folder = s.state_folder;
  host.log_level = s.log_level;
  host.tracing = report::tracing() ? 1 : 0;
  host.log = report::log_line;
  host.trace = report::trace_line;
  host.enter_helper_thread = enter_helper_thread;
  host.own_descriptor = own::take;
  host.keep_descriptor = own::take_for_children;
  host.close_descriptor = own::close;
  host.attempt_open = races::attempt_open;
  host.race_decided = races::race_decided;
  host.race_over = races::race_over;
  host.watch_fired = races::watch_fired;
  return &host;
}

}  // namespace happy::shim
