// happyctl run: a program under the library, and one line about how it went.
// Says beforehand where the library cannot get into the program.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/happyctl/child.h"
#include "tools/happyctl/output.h"
#include "tools/happyctl/policy_faults.h"
#include "tools/happyctl/program.h"
#include "tools/happyctl/run_environment.h"
#include "tools/happyctl/trace_reader.h"
#include "tools/happyctl/trace_summary.h"
#include "tools/happyctl/verb.h"

namespace happyctl {
namespace {

// As shells have it (POSIX, "Exit Status for Commands").
constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;
// In front of each word of the program's command line, see verb.h.
constexpr char kGuard = '=';

bool takes_value(std::string_view option) {
  return option == "--policy" || option == "--trace" || option == "--log";
}

using Json = nlohmann::ordered_json;

struct Options {
  std::optional<std::string> policy;
  std::optional<std::string> trace;
  std::optional<std::string> log;
  bool require = false;
  bool quiet = false;
  bool json = false;
  std::vector<std::string> command;
};

void say(const std::string& text) { complain("happyctl run: " + text + "\n"); }

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).string();
}

std::string from_environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

void set(const char* name, const std::string& value) {
  setenv(name, value.c_str(), 1);
}

// HAPPY_POLICY is set first and read back by load_policy(), so that what is
// checked is what the library will find. Paths become absolute afterwards: the
// program, or one that it starts, may be elsewhere by then.
bool set_policy(const Options& options) {
  // HAPPY_POLICY would stand for "no policy": nobody who names one means that.
  if (options.policy && options.policy->empty()) {
    say("--policy: the file has no name");
    return false;
  }
  if (options.policy) set("HAPPY_POLICY", *options.policy);
  const auto loaded = load_policy(std::nullopt);
  if (!loaded) {
    complain(faults_text(loaded.error(), stderr));
    return false;
  }
  if (options.policy) set("HAPPY_POLICY", absolute(*options.policy));
  return true;
}

bool set_log(const Options& options) {
  if (!options.log) {
    setenv("HAPPY_LOG", "error", 0);
    return true;
  }
  const auto setting = log_setting(*options.log);
  if (!setting) {
    say("--log: " + setting.error());
    return false;
  }
  set("HAPPY_LOG", *setting);
  return true;
}

// Why the library could not append to the file; 0: it can.
int trace_fault(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return EISDIR;
    return access(path.c_str(), W_OK) == 0 ? 0 : errno;
  }
  if (errno != ENOENT) return errno;
  const std::string above = std::filesystem::path(path).parent_path();
  return access(above.c_str(), W_OK | X_OK) == 0 ? 0 : errno;
}

bool check_trace(const Options& options) {
  const int error = options.trace ? trace_fault(absolute(*options.trace)) : 0;
  if (error != 0)
    say(fmt::format("--trace: {}: {}", *options.trace, std::strerror(error)));
  return error == 0;
}

// The trace that is summed up at the end: the user's, or a temporary one.
class TraceFile {
 public:
  explicit TraceFile(const Options& options) {
    path_ = options.trace ? absolute(*options.trace)
                          : from_environment("HAPPY_TRACE");
    if (path_.empty() && (options.json || !options.quiet)) make_temporary();
    if (path_.empty()) return;
    set("HAPPY_TRACE", path_);
    // The library appends: what is there already is somebody else's.
    std::error_code none;
    const auto size = std::filesystem::file_size(path_, none);
    if (!none) before_ = static_cast<std::streamoff>(size);
  }
  ~TraceFile() {
    if (temporary_) unlink(path_.c_str());
  }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  // nullopt where it cannot be read again: a terminal, a pipe.
  std::optional<std::string> summary() const {
    std::error_code none;
    if (!std::filesystem::is_regular_file(path_, none)) return std::nullopt;
    std::ifstream file(path_);
    file.seekg(before_);
    TraceSummary summary;
    TraceReader reader([&](const TraceEntry& entry) { summary.add(entry); });
    reader.read(file);
    reader.finish();
    return summary.text();
  }

 private:
  void make_temporary() {
    std::string path = from_environment("TMPDIR");
    path = (path.empty() ? "/tmp" : path) + "/happyctl.XXXXXX";
    const int fd = mkostemp(path.data(), O_CLOEXEC);
    if (fd < 0) return;  // then there is nothing to sum up
    close(fd);
    path_ = absolute(path);
    temporary_ = true;
  }

  std::string path_;
  std::streamoff before_ = 0;
  bool temporary_ = false;
};

// Why the library will not act in the program; nullopt where it will.
std::optional<std::string> obstacle(const std::string& program,
                                    const std::optional<std::string>& library) {
  if (!library) return "libhappy.so is not installed";
  if (from_environment("HAPPY_DISABLE") == "1") return "HAPPY_DISABLE is 1";
  if (auto why = why_not_intercepted(program, *library)) return why;
  const auto preload = preload_with(from_environment("LD_PRELOAD"), *library);
  if (!preload) return preload.error();
  set("LD_PRELOAD", *preload);
  return std::nullopt;
}

int cannot_start(const std::string& name, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  say(fmt::format("{}: {}", name,
                  missing ? "not found" : std::strerror(error)));
  return missing ? kNotFound : kCannotRun;
}

// Text without "#!" is the shell's to run, as for execvp(3).
ChildEnd start(const std::string& path, std::vector<std::string> arguments) {
  ChildEnd end = run_child(path, arguments, environment());
  if (end.error != ENOEXEC || !is_text(path)) return end;
  arguments[0] = path;
  arguments.insert(arguments.begin(), "sh");
  return run_child("/bin/sh", arguments, environment());
}

void say_summary(const TraceFile& trace) {
  if (const auto text = trace.summary()) say(*text);
}

// The program has standard output for itself.
void sum_up_in_json(const Options& options, const TraceFile& trace,
                    const std::optional<std::string>& why_not, int status) {
  Json why, code, number, summary;  // null
  if (why_not)
    why = *why_not;
  else if (const auto text = trace.summary())
    summary = *text;
  if (WIFSIGNALED(status))
    number = WTERMSIG(status);
  else
    code = WEXITSTATUS(status);
  const Json out = {{"program", options.command[0]},
                    {"intercepted", !why_not},
                    {"why_not", why},
                    {"status", code},
                    {"signal", number},
                    {"summary", summary}};
  complain(dumped(out) + "\n");
}

int start_and_sum_up(const Options& options, const std::string& path,
                     const std::optional<std::string>& why_not) {
  ChildEnd end;
  {
    const TraceFile trace(options);
    end = start(path, options.command);
    signal(SIGPIPE, SIG_IGN);  // a gone reader must not change the status
    if (end.error == 0 && options.json)
      sum_up_in_json(options, trace, why_not, end.status);
    else if (end.error == 0 && !why_not && !options.quiet)
      say_summary(trace);
  }
  if (end.error == 0) return end_like(end.status);
  say(fmt::format("{}: {}", options.command[0], std::strerror(end.error)));
  return kCannotRun;  // the file itself is there
}

int run(const Options& options) {
  if (!set_policy(options) || !set_log(options) || !check_trace(options)) {
    return static_cast<int>(Outcome::kUsage);
  }
  const std::string& name = options.command[0];
  const Program program = find_program(name);
  if (program.error != 0) return cannot_start(name, program.error);
  const auto why = obstacle(program.path, find_library());
  if (why && (options.require || !options.json)) {
    say(fmt::format("{} cannot be intercepted: {}", name, *why));
    if (options.require) return static_cast<int>(Outcome::kFailed);
  }
  return start_and_sum_up(options, program.path, why);
}

}  // namespace

void add_run(CLI::App& app, Outcome* outcome) {
  CLI::App* const verb = app.add_subcommand(
      "run", "Runs a program under the library and ends as it does");
  const auto options = std::make_shared<Options>();
  verb->add_option("--policy", options->policy, "policy file")->type_name("F");
  verb->add_option("--trace", options->trace,
                   "append what the library does to F, one JSON object a line")
      ->type_name("F");
  verb->add_option("--log", options->log,
                   "off, error (unless HAPPY_LOG says otherwise), warn, info "
                   "or debug; to stderr or FILE")
      ->type_name("LEVEL[:FILE]");
  verb->add_flag("--require", options->require,
                 "do not run a program that cannot be intercepted");
  verb->add_flag("--quiet", options->quiet, "do not sum up at the end");
  verb->add_flag("--json", options->json,
                 "sum up as a JSON object in one line of standard error");
  verb->add_option("CMD", options->command, "program and its arguments")
      ->required();
  verb->footer(
      "Exit status: the program's; 126 if it cannot be run, 127 if it is not "
      "found,\n1 if --require refuses it, 2 for a usage or policy error.\n"
      "Example: happyctl run --trace t.json -- curl https://www.example.com/");
  verb->callback([options, outcome] {
    for (std::string& word : options->command) word.erase(0, 1);
    *outcome = static_cast<Outcome>(run(*options));
  });
}

std::vector<std::string> guard_command(std::vector<std::string> words) {
  if (words.empty() || words[0] != "run") return words;
  size_t at = 1;
  while (at < words.size() && words[at].starts_with('-')) {
    const std::string& word = words[at];
    if (word == "--") {
      words.erase(words.begin() + static_cast<ptrdiff_t>(at));
      break;
    }
    at += takes_value(word) ? 2 : 1;
  }
  for (; at < words.size(); ++at) words[at].insert(0, 1, kGuard);
  return words;
}

}  // namespace happyctl
