#include "tools/happyctl/checkup.h"

#include <dlfcn.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "core/net/load_tls.h"
#include "core/net/source_address.h"
#include "core/state_folder.h"
#include "tools/happyctl/checkup_resolvers.h"
#include "tools/happyctl/checkup_state.h"
#include "tools/happyctl/elf_bytes.h"
#include "tools/happyctl/installation.h"
#include "tools/happyctl/library_trial.h"
#include "tools/happyctl/policy_file.h"
#include "tools/happyctl/run_environment.h"
#include "tools/happyctl/units.h"

namespace happyctl {
namespace {

using Grade = Finding::Grade;
using happy::config::Policy;
using happy::net::DotFailure;

constexpr const char* kReinstall = "install libhappy again, all of one version";

class Checkup {
 public:
  explicit Checkup(const Tell& tell) : tell_(tell) {}

  void run(const std::optional<std::string>& policy) {
    check_library();
    check_preload();
    const auto loaded = load_policy(policy);
    check_policy(loaded);
    check_trust(loaded ? &loaded->policy : nullptr);
    check_routes();
    if (loaded && tls_ != nullptr) check_resolvers_of(loaded->policy);
    check_clock();
    tell_(state_finding(happy::find_state_folder()));
  }

 private:
  void ok(const std::string& what, const std::string& text) {
    tell_({Grade::kOk, what, text, {}});
  }
  void note(const std::string& what, const std::string& text,
            const std::string& next) {
    tell_({Grade::kNote, what, text, next});
  }
  void fail(const std::string& what, const std::string& text,
            const std::string& next) {
    tell_({Grade::kFail, what, text, next});
  }

  void check_library();
  void check_preload();
  void check_policy(const tl::expected<LoadedPolicy, PolicyFault>& loaded);
  void check_trust(const Policy* policy);
  void check_routes();
  void check_resolvers_of(const Policy& policy);
  void tell_resolver(const ResolverCheck& check);
  void check_clock();

  const Tell& tell_;
  std::optional<std::string> library_ = find_library();
  const happy_tls* tls_ = nullptr;
  bool dates_failed_ = false;
};

void Checkup::check_library() {
  const auto tls = happy::net::load_tls(library_folder(), RTLD_NOW);
  tls_ = tls.value_or(nullptr);
  if (!library_)
    return fail(
        "library",
        "libhappy.so is neither beside this command nor in " + library_folder(),
        kReinstall);
  const std::string fault = trial_fault(*library_);
  if (!fault.empty()) fail("library", fault, kReinstall);
  if (!tls) fail("library", tls.error(), kReinstall);
  if (fault.empty() && tls)
    ok("library", *library_ + ", its core and its TLS fit together");
}

void Checkup::check_preload() {
  constexpr uint64_t kMost = 64 << 10;
  constexpr const char* kFile = "/etc/ld.so.preload";
  const ElfBytes bytes(kFile);
  struct stat info {};
  const auto size =
      stat(kFile, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  const std::string file = bytes.read(0, size, kMost).value_or("");
  const char* const preload = std::getenv("LD_PRELOAD");
  const std::string named = preload != nullptr ? preload : "";
  const char* const disable = std::getenv("HAPPY_DISABLE");
  if (disable != nullptr && std::string_view(disable) == "1")
    note("preload", "HAPPY_DISABLE is 1: the library does nothing",
         "unset HAPPY_DISABLE");
  if (file.find("libhappy.so") != std::string::npos)
    ok("preload", std::string(kFile) + " loads it into every program");
  else if (named.find("libhappy.so") != std::string::npos)
    ok("preload", "LD_PRELOAD loads it into what is started from here");
  else
    ok("preload",
       "it is loaded by happyctl run alone; neither LD_PRELOAD nor " +
           std::string(kFile) + " has it");
}

std::string_view why_that_policy(PolicySource source) {
  switch (source) {
    case PolicySource::kArgument:
      return "--policy names it";
    case PolicySource::kEnvironment:
      return "HAPPY_POLICY names it";
    case PolicySource::kUser:
      return "it is yours";
    case PolicySource::kSystem:
      return "it is the system's, and you have none";
    case PolicySource::kEmbedded:
      break;
  }
  return "no file names another";
}

void Checkup::check_policy(
    const tl::expected<LoadedPolicy, PolicyFault>& loaded) {
  if (!loaded) {
    const auto lines = loaded.error().lines();
    return fail("policy",
                fmt::format("{}{}", lines.front(),
                            lines.size() > 1 ? fmt::format(" (and {} more)",
                                                           lines.size() - 1)
                                             : ""),
                "host names fail until it is mended: see happyctl check");
  }
  const PolicyFile& file = loaded->file;
  if (file.source == PolicySource::kEmbedded)
    return ok("policy",
              "the embedded default, as no file names another: connections "
              "are raced, names are libc's");
  struct stat info {};
  if (stat(file.path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
      (info.st_mode & S_IWOTH) != 0)
    note("policy", file.path + " can be changed by every user",
         "chmod o-w " + file.path);
  ok("policy",
     fmt::format("{} ({}); {} resolvers, {} rules", file.path,
                 why_that_policy(file.source), loaded->policy.resolvers.size(),
                 loaded->policy.rules.size()));
}

// Of the system's CAs and of each ca_file, once.
void Checkup::check_trust(const Policy* policy) {
  if (tls_ == nullptr) return;
  std::vector<std::string> files;
  if (policy != nullptr) {
    for (const auto& resolver : policy->resolvers)
      if (!resolver.auth_name.empty() &&
          std::find(files.begin(), files.end(), resolver.ca_file) ==
              files.end())
        files.push_back(resolver.ca_file);
  }
  if (files.empty()) return ok("CAs", "no resolver needs any");
  for (const std::string& file : files) {
    happy_tls_config config{};
    config.auth_name = "any";
    if (!file.empty()) config.ca_file = file.c_str();
    char why[512];
    if (tls_->warm(&config, why, sizeof why) == HAPPY_TLS_OK)
      ok("CAs", file.empty() ? "the system's can be read" : file);
    else
      fail("CAs", why,
           file.empty() ? "install the package ca-certificates"
                        : "mend ca_file in the policy, or the file");
  }
}

// Addresses of a root name server: nothing is sent there.
void Checkup::check_routes() {
  const std::vector<happy::IpAddress> far = {
      happy::IpAddress::v4(198, 41, 0, 4),
      *happy::IpAddress::parse("2001:503:ba3e::2:30")};
  const auto ways = happy::net::with_sources(far);
  const auto text = [&ways](size_t i, const char* family) {
    return ways[i].source
               ? fmt::format("{} from {}", family, ways[i].source->to_string())
               : fmt::format("no {}", family);
  };
  const std::string both = text(0, "IPv4") + ", " + text(1, "IPv6");
  if (ways[0].source && ways[1].source) return ok("routes", both);
  if (!ways[0].source && !ways[1].source)
    return fail("routes", both + ": this machine is offline",
                "connect it to a network, or see ip route");
  note("routes", both,
       ways[0].source
           ? "nothing to do where the network has none"
           : "see nat64 in the policy for what is reached over IPv4 only");
}

std::string next_after(DotFailure failure, const std::string& name) {
  switch (failure) {
    case DotFailure::kWrongPin:
      return "if its operator has announced a new key, take that (happyctl "
             "pin); if not, somebody may be in between";
    case DotFailure::kWrongName:
    case DotFailure::kUntrusted:
      return "compare auth_name and ca_file with what happyctl pin shows";
    case DotFailure::kExpired:
      return "see the clock below; else its operator has to renew it";
    case DotFailure::kNoTrustStore:
      return "see CAs above";
    case DotFailure::kTls:
    case DotFailure::kProtocol:
      return "is it the address and port of a DNS-over-TLS server?";
    case DotFailure::kReset:
    case DotFailure::kRefused:
    case DotFailure::kSilent:
    case DotFailure::kUnreachable:
      return "see routes above and any firewall on the way; is port 853 let "
             "through?";
    case DotFailure::kLocal:
      break;
  }
  return "see resolver \"" + name + "\" in the policy";
}

void Checkup::check_resolvers_of(const Policy& policy) {
  if (policy.resolvers.empty())
    return ok("resolvers", "the policy has none; names are libc's");
  for (const ResolverCheck& check : check_resolvers(policy, tls_))
    tell_resolver(check);
}

// An address that fails is a matter for a note where another serves.
void Checkup::tell_resolver(const ResolverCheck& check) {
  const std::string what = "resolver " + check.resolver->name;
  bool serves = false;
  for (const AddressCheck& one : check.addresses) {
    if (!one.result->has_value()) continue;
    serves = true;
    const auto& timings = (*one.result)->timings;
    ok(what,
       fmt::format("{}: {}, authenticated by {}; connect {:.1f} ms, handshake "
                   "{:.1f} ms, answer {:.1f} ms",
                   one.address.to_string(), timings.tls_version,
                   timings.authenticated_by, milliseconds(timings.connect),
                   milliseconds(timings.handshake),
                   milliseconds(timings.answer)));
  }
  for (const AddressCheck& one : check.addresses) {
    if (one.result->has_value()) continue;
    const auto& error = one.result->error();
    dates_failed_ = dates_failed_ || error.failure == DotFailure::kExpired;
    const std::string next = next_after(error.failure, check.resolver->name);
    serves ? note(what, error.text, next) : fail(what, error.text, next);
  }
}

// The library's own date is the latest that is known to have passed.
void Checkup::check_clock() {
  constexpr time_t kDay = 86400;
  constexpr const char* kSet = "set it: timedatectl set-ntp true";
  const time_t now = time(nullptr);
  const std::string date =
      fmt::format("{:%Y-%m-%d %H:%M} UTC", fmt::gmtime(now));
  struct stat info {};
  const bool known = library_ && stat(library_->c_str(), &info) == 0;
  timex state{};
  if (known && now < info.st_mtim.tv_sec - kDay)
    fail("clock", date + " is before the library was made", kSet);
  else if (dates_failed_)
    fail("clock", date + "; by it a resolver's certificate is out of its dates",
         "if that is not the time now, " + std::string(kSet));
  else if (adjtimex(&state) == TIME_ERROR)
    note("clock", date + ", and nothing keeps it right", kSet);
  else
    ok("clock", date);
}

}  // namespace

void check_up(const std::optional<std::string>& policy, const Tell& tell) {
  Checkup(tell).run(policy);
}

}  // namespace happyctl
