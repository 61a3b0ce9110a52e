// What a verb of the command is: a function that adds a CLI11 subcommand. One
// file a verb; main.cc holds the table, parses, and turns the outcome into the
// exit status.
#pragma once

#include <CLI/CLI.hpp>

namespace happyctl {

enum class Outcome : int {
  kGood = 0,
  kFailed = 1,  // the thing itself failed: no answer, no connection
  kUsage = 2,   // the command line or the policy is wrong
};

// Each adds its subcommand to `app`, with a callback that sets `*outcome`.
// `app` and `outcome` outlive the callback. `happyctl run` replaces the process
// instead and ends with its program's status.
void add_check(CLI::App& app, Outcome* outcome);
void add_resolve(CLI::App& app, Outcome* outcome);

}  // namespace happyctl
