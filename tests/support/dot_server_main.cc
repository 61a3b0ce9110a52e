// The scriptable DoT server as a program, for tests of whole processes:
//   dot_server --zone FILE.json [--address A] [--port P] [--name N]...
//              [--pin-file F] [--ca-file F] [--days D] [--silence accept|tls]
//              [--log F] [--idle-close-ms N] [--tls12]
// It prints "listening on ADDRESS:PORT pin PIN" once it does, writes its pin
// and its certificate where asked, appends one line "NAME TYPE" a query to the
// log at the end, and ends on SIGTERM or SIGINT.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "tests/support/dot_server.h"

namespace {

using happy::test::CertificateWish;
using happy::test::DotScript;
using happy::test::DotServer;
using happy::test::Identity;
using happy::test::Silence;

struct Options {
  DotScript script;
  CertificateWish wish;
  std::string pin_file, ca_file, log;
};

std::string contents(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void apply(const std::string& flag, const std::string& value, Options* out) {
  if (flag == "--zone") {
    out->script.zone = happy::test::parse_zone(contents(value));
  } else if (flag == "--address") {
    out->script.address = value;
  } else if (flag == "--port") {
    out->script.port = static_cast<uint16_t>(std::stoi(value));
  } else if (flag == "--name") {
    out->wish.dns_names.push_back(value);
  } else if (flag == "--days") {  // may be negative: expired
    out->wish.valid_until = time(nullptr) + 86400L * std::stol(value);
    out->wish.valid_from = out->wish.valid_until - 86400L * 365;
  } else if (flag == "--silence") {
    out->script.silence =
        value == "accept" ? Silence::kAfterAccept : Silence::kAfterHandshake;
  } else if (flag == "--idle-close-ms") {
    out->script.idle_close = std::chrono::milliseconds(std::stol(value));
  } else if (flag == "--pin-file") {
    out->pin_file = value;
  } else if (flag == "--ca-file") {
    out->ca_file = value;
  } else if (flag == "--log") {
    out->log = value;
  } else {
    throw std::runtime_error("unknown option " + flag);
  }
}

Options parse(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "--tls12") == 0) {
      out.script.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
      continue;
    }
    if (i + 1 >= argc)
      throw std::runtime_error("no value after " + std::string(argv[i]));
    apply(argv[i], argv[i + 1], &out);
    ++i;
  }
  return out;
}

void serve(Options options, const sigset_t& ends) {
  // A CA issues the server's certificate, so that names can be tested too.
  const Identity ca = Identity::make({.common_name = "test CA", .is_ca = true});
  const Identity leaf = Identity::make(options.wish, &ca);
  options.script.chain = {leaf, ca};
  DotServer server(options.script);
  if (!options.pin_file.empty())
    std::ofstream(options.pin_file) << leaf.key_pin() << '\n';
  if (!options.ca_file.empty())
    std::ofstream(options.ca_file) << ca.certificate_pem();
  std::cout << "listening on " << server.address() << ':' << server.port()
            << " pin " << leaf.key_pin() << std::endl;
  int signal = 0;
  sigwait(&ends, &signal);
  if (options.log.empty()) return;
  std::ofstream log(options.log, std::ios::app);
  for (const auto& question : server.statistics().asked)
    log << question.name << ' ' << question.type << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  serve(parse(argc, argv), ends);
  return 0;
} catch (const std::exception& error) {
  fprintf(stderr, "dot_server: %s\n", error.what());
  return 2;
}
