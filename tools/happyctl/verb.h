// What a verb of the command is: a function that adds a CLI11 subcommand. One
// file a verb; main.cc holds the table, parses, and turns the outcome into the
// exit status.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace happyctl {

enum class Outcome : int {
  kGood = 0,
  kFailed = 1,  // the thing itself failed: no answer, no connection
  kUsage = 2,   // the command line or the policy is wrong
};

// Each adds its subcommand to `app`, with a callback that sets `*outcome`.
// `app` and `outcome` outlive the callback.
void add_check(CLI::App& app, Outcome* outcome);
void add_connect(CLI::App& app, Outcome* outcome);
void add_doctor(CLI::App& app, Outcome* outcome);
void add_pin(CLI::App& app, Outcome* outcome);
void add_resolve(CLI::App& app, Outcome* outcome);
// Its outcome is the exit status of the program that it ran, which may be any.
void add_run(CLI::App& app, Outcome* outcome);
void add_state(CLI::App& app, Outcome* outcome);
void add_trace(CLI::App& app, Outcome* outcome);
// Before parsing: marks the words of the command line that belong to the
// program of `happyctl run`, so that the parser neither takes its options for
// ours nor "[a,b]" for a list. add_run's verb takes the marks off.
std::vector<std::string> guard_command(std::vector<std::string> words);

}  // namespace happyctl
