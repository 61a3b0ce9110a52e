// The scriptable DoT server as a program, for tests of whole processes:
//   dot_server --script FILE.json [--pin-file F] [--ca-file F] [--log F]
// It prints "listening on ADDRESS:PORT pin PIN" once it does, writes its pin
// and its authority's certificate where asked, appends one line "NAME TYPE" a
// query to the log at the end, and ends on SIGTERM or SIGINT.
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "tests/support/dot_script.h"

namespace {

using happy::test::DotServer;
using happy::test::LoadedScript;

struct Options {
  std::string script, pin_file, ca_file, log;
};

std::string contents(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Options parse(int argc, char** argv) {
  Options out;
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (i + 1 >= argc) throw std::runtime_error("no value after " + flag);
    if (flag == "--script")
      out.script = argv[i + 1];
    else if (flag == "--pin-file")
      out.pin_file = argv[i + 1];
    else if (flag == "--ca-file")
      out.ca_file = argv[i + 1];
    else if (flag == "--log")
      out.log = argv[i + 1];
    else
      throw std::runtime_error("unknown option " + flag);
  }
  if (out.script.empty()) throw std::runtime_error("no --script FILE");
  return out;
}

void serve(const Options& options, const sigset_t& ends) {
  const LoadedScript loaded =
      happy::test::load_script(contents(options.script));
  DotServer server(loaded.script);
  const std::string& pin = loaded.pin;
  if (!options.pin_file.empty()) std::ofstream(options.pin_file) << pin << '\n';
  if (!options.ca_file.empty())
    std::ofstream(options.ca_file) << loaded.authority.certificate_pem();
  std::cout << "listening on " << server.address() << ':' << server.port()
            << " pin " << pin << std::endl;
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
