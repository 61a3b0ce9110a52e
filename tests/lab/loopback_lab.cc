#include "tests/lab/loopback_lab.h"

#include <filesystem>
#include <system_error>

#include "tests/lab/fail.h"

namespace happy::lab {
namespace {

Endpoint at(const char* address, uint16_t port) {
  return {IpAddress::parse(address).value(), port};
}

}  // namespace

LoopbackLab::LoopbackLab(const CertificateWish& wish)
    : names_{{"healthy.lab.test", {kGood, kGoodToo}},
             {"dead4.lab.test", {kDead, kGood}},
             {"refused.lab.test", {kRefusing, kGood}},
             {"dead6.lab.test", {kDead6, kGood}},
             {"dead.lab.test", {kDead}},
             {"closed.lab.test", {kRefusing}},
             {"allrefused.lab.test", {kRefusing, kRefusingToo}},
             {"alldead.lab.test", {kDead, kDeadToo, kDead6}},
             {"hanging.lab.test", {kDead, kDeadToo, kDead6}},
             {"late.lab.test", {kLate, kLateToo}}},
      certificate_(make_certificate(wish)) {
  open_web();
  open_resolver();
  use_.trace = folder_.file("trace.jsonl");
  use_policy(policy().dump(2));
  std::string hosts;
  for (const auto& name : names_)
    for (const auto& address : name.addresses)
      hosts += address + " " + name.name + "\n";
  folder_.write("hosts", hosts);
}

// All at one port, since a name has one; tried again where that port is taken
// on one of the addresses.
void LoopbackLab::open_web() {
  for (int i = 0;; ++i) {
    try {
      const uint16_t port = likely_free_port();
      std::vector<Descriptor> open, dead;
      for (const char* address : {kGood, kGoodToo})
        open.push_back(listen_on(at(address, port)));
      for (const char* address : {kDead, kDeadToo, kDead6})
        dead.push_back(listen_on(at(address, port), Listening::kBlackHole));
      web_ = std::make_unique<WebServer>(std::move(open));
      black_holes_ = std::move(dead);
      web_port_ = port;
      return;
    } catch (const std::system_error& error) {
      if (error.code() != std::errc::address_in_use || i == 20) throw;
    }
  }
}

void LoopbackLab::open_resolver() {
  for (int i = 0;; ++i) {
    try {
      UnboundWish wish;
      wish.tls_port = dot_port_ = likely_free_port();
      wish.names = names_;
      unbound_ = std::make_unique<Unbound>(wish, certificate_, folder_);
      return;
    } catch (const std::runtime_error& error) {
      const std::string text = error.what();
      if (text.find("already in use") == std::string::npos || i == 20) throw;
    }
  }
}

std::string LoopbackLab::url(const std::string& name) const {
  return "http://" + name + ".lab.test:" + std::to_string(web_port_) + "/";
}

nlohmann::json LoopbackLab::policy() const {
  return strict_policy("127.0.0.1", dot_port_, certificate_.pin);
}

void LoopbackLab::use_policy(const std::string& text) {
  use_.policy = folder_.write("policy.json", text);
}

Outcome LoopbackLab::run(const std::vector<std::string>& arguments,
                         const Environment& environment,
                         std::chrono::milliseconds limit) {
  return run_plain(arguments, begin_use(use_, environment), limit);
}

Outcome LoopbackLab::run_plain(const std::vector<std::string>& arguments,
                               const Environment& environment,
                               std::chrono::milliseconds limit) {
  return lab::run({.arguments = arguments,
                   .environment = environment,
                   .limit = limit,
                   .enter = {},
                   .input = {}});
}

Environment LoopbackLab::hosts_environment() const {
  return {{"LD_PRELOAD", "libnss_wrapper.so"},
          {"NSS_WRAPPER_HOSTS", folder_.file("hosts")}};
}

std::vector<nlohmann::json> LoopbackLab::trace() const {
  return read_trace(use_.trace);
}

}  // namespace happy::lab
