// A lab without any privilege, all on 127.0.0.0/8 and ::1: a real unbound with
// DNS-over-TLS on a high port, web servers, an address that refuses and ones
// that drop. Names (all below lab.test):
//
//   healthy   two good addresses          dead6     a dead AAAA, a good A
//   dead4     a dead A, then a good one   refused   a refusing A, then a good
//   dead      a dead A only               closed    a refusing A only
//   alldead   two dead A, a dead AAAA      allrefused  two refusing A
//   hanging   as alldead, for a rule of its own
//   late      two that are the program's to listen on
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/lab/certificate.h"
#include "tests/lab/child.h"
#include "tests/lab/library.h"
#include "tests/lab/sockets.h"
#include "tests/lab/temp_folder.h"
#include "tests/lab/unbound.h"
#include "tests/lab/web_server.h"

namespace happy::lab {

class LoopbackLab {
 public:
  static constexpr const char* kGood = "127.0.1.1";
  static constexpr const char* kDead = "127.0.1.2";
  static constexpr const char* kRefusing = "127.0.1.3";
  static constexpr const char* kGoodToo = "127.0.1.4";
  static constexpr const char* kRefusingToo = "127.0.1.5";
  static constexpr const char* kDeadToo = "127.0.1.6";
  static constexpr const char* kDead6 = "::1";
  static constexpr const char* kLate = "127.0.1.7";
  static constexpr const char* kLateToo = "127.0.1.8";

  explicit LoopbackLab(const CertificateWish& wish = {});

  uint16_t web_port() const { return web_port_; }
  uint16_t dot_port() const { return dot_port_; }
  // "http://dead4.lab.test:PORT/" for "dead4".
  std::string url(const std::string& name) const;
  const std::vector<Name>& names() const { return names_; }
  const Certificate& certificate() const { return certificate_; }
  const TempFolder& folder() const { return folder_; }
  int accepted() const { return web_->accepted(); }

  // The policy that fits: strict, with the resolver's pin.
  nlohmann::json policy() const;
  // Makes it what run() uses from now on; any text, also broken.
  void use_policy(const std::string& text);
  // The same for HAPPY_LOG and what is preloaded behind the library.
  void use_log(const std::string& level) { use_.log = level; }
  void also_preload(const std::string& object) { use_.also_preload = object; }

  // A program under the library; the trace starts afresh.
  Outcome run(const std::vector<std::string>& arguments,
              const Environment& environment = {},
              std::chrono::milliseconds limit = std::chrono::seconds(10));
  // Without it. Names are known only with `environment` = hosts_environment().
  Outcome run_plain(const std::vector<std::string>& arguments,
                    const Environment& environment = {},
                    std::chrono::milliseconds limit = std::chrono::seconds(10));
  // Gives unchanged programs the zone's names without root: libnss-wrapper
  // makes libc read a hosts file of the lab's.
  Environment hosts_environment() const;

  // Of the last run().
  std::vector<nlohmann::json> trace() const;

 private:
  void open_web();
  void open_resolver();

  std::vector<Name> names_;
  Certificate certificate_;
  TempFolder folder_;
  LibraryUse use_;
  uint16_t web_port_ = 0, dot_port_ = 0;
  std::vector<Descriptor> black_holes_;
  std::unique_ptr<WebServer> web_;
  std::unique_ptr<Unbound> unbound_;
};

}  // namespace happy::lab
