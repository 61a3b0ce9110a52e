#include "tests/e2e/hosts.h"

namespace happy::e2e {
namespace {

#define DEBIAN_LIBRARIES "/usr/lib/x86_64-linux-gnu/"

std::string built(const char* program) {
  return std::string(HAPPY_BUILD_FOLDER "/") + program;
}

// A second library, before and after ours.
std::vector<Host> preloaded_with(const char* before, const char* after,
                                 const std::string& library,
                                 const lab::Environment& more = {}) {
  Host first{before, {}, more}, second{after, {}, more};
  first.environment["LD_PRELOAD"] = library + " %L";
  second.environment["LD_PRELOAD"] = "%L " + library;
  return {first, second};
}

// Commands in a shell whose last one is curl. Threads' stacks are as large as
// `ulimit -s` says, and count for `ulimit -v`.
std::vector<std::string> limited(const std::string& limit) {
  return {"sh", "-c", "ulimit " + limit + "; exec curl -sS %U"};
}

// In a mount namespace of its own, as root of a user namespace.
std::vector<std::string> mounted(const std::string& mount) {
  return {"unshare", "-Urm", "sh", "-c", mount + " && exec curl -sS %U"};
}

std::vector<std::string> in_empty_root(const char* folder) {
  return {"unshare", "-Ur", built("e2e_confined"), "chroot", folder,
          "%H",      "%P"};
}

constexpr const char* kCmake = R"(
file(DOWNLOAD %U page STATUS status)
file(READ page text)
message("${text}")
)";

std::vector<Host> allocators() {
  std::vector<Host> all;
  for (auto& pair :
       {preloaded_with("jemalloc_before", "jemalloc_after",
                       DEBIAN_LIBRARIES "libjemalloc.so.2"),
        preloaded_with("tcmalloc_before", "tcmalloc_after",
                       DEBIAN_LIBRARIES "libtcmalloc_minimal.so.4")})
    all.insert(all.end(), pair.begin(), pair.end());
  return all;
}

std::vector<Host> other_interposers() {
  const std::string wrapper = DEBIAN_LIBRARIES "libsocket_wrapper.so";
  const std::string torsocks = DEBIAN_LIBRARIES "torsocks/libtorsocks.so";
  std::vector<Host> all = preloaded_with(
      "faketime_before", "faketime_after",
      DEBIAN_LIBRARIES "faketime/libfaketime.so.1", {{"FAKETIME", "+400d"}});
  for (auto& host :
       preloaded_with("proxychains_before", "proxychains_after",
                      DEBIAN_LIBRARIES "libproxychains.so.4",
                      {{"PROXYCHAINS_CONF_FILE", HAPPY_SOURCE_FOLDER
                        "/tests/e2e/programs/proxychains.conf"}}))
    all.push_back(host);
  auto wrapped =
      preloaded_with("socket_wrapper_before", "socket_wrapper_after", wrapper);
  // It takes connect() to libc itself, past everybody behind it.
  wrapped[0].effect = Effect::kNames;
  auto used = wrapped[1];
  used.name = "socket_wrapper_in_use";
  used.environment["SOCKET_WRAPPER_DIR"] = "/tmp";
  used.effect = Effect::kFails;
  used.line = "cannot resolve";
  all.insert(all.end(), {wrapped[0], wrapped[1], used});
  // All connections are Tor's, the resolver's too; here is no Tor.
  auto tor = preloaded_with("torsocks_before", "torsocks_after", torsocks);
  tor[0].effect = tor[1].effect = Effect::kFails;
  tor[1].line = "cannot resolve";
  all.insert(all.end(), tor.begin(), tor.end());
  return all;
}

std::vector<Host> tools() {
  Host cmake{"cmake", {"sh", "-c", ""}};
  cmake.command[2] = "cd \"$(mktemp -d)\" && echo '" + std::string(kCmake) +
                     "' > fetch && exec cmake -P fetch 2>&1";
  return {
      {"valgrind", {"valgrind", "-q", "curl", "-sS", "%U"}},
      {"gdb",
       {"gdb", "-q", "-batch", "--return-child-result", "-ex", "run", "--args",
        "curl", "-sS", "%U"}},
      {"gdb_attached",
       {"sh", "-c",
        "/usr/bin/python3 -c 'import time, urllib.request; time.sleep(1); "
        "print(urllib.request.urlopen(\"%U\").read().decode())' & "
        "gdb -q -batch -p $! -ex continue >&2; wait $!"}},
      {"own_gnutls", {"wget", "-q", "-O", "-", "%U"}},
      cmake,
      {"node",
       {"node", "-e",
        "require('http').get('%U', (reply) => reply.pipe(process.stdout))"}},
      {"asan",
       {built("e2e_asan_client"), "level", "%H", "%P"},
       {{"LD_PRELOAD", HAPPY_ASAN_RUNTIME " %L"}}},
      {"asan_not_first",
       {built("e2e_asan_client"), "level", "%H", "%P"},
       {},
       Effect::kRefused,
       "ASan runtime does not come first"},
      {"asan_static", {built("e2e_asan_static_client"), "level", "%H", "%P"}},
      {"tsan",
       {built("e2e_tsan_client"), "level", "%H", "%P"},
       {{"LD_PRELOAD", HAPPY_TSAN_RUNTIME " %L"}}}};
}

std::vector<Host> confinements() {
  return {
      {"user_namespace", {"unshare", "-Ur", "curl", "-sS", "%U"}},
      {"read_only_root",
       mounted("mount --bind /tmp /tmp && mount -o remount,ro,bind /")},
      {"no_proc", mounted("mount -t tmpfs none /proc")},
      {"nofile_16",
       limited("-n 16"),
       {},
       Effect::kFails,
       "cannot start the helper thread: Too many open files"},
      // Two thirds of what is free are left to the host.
      {"nofile_32", limited("-n 32"), {}, Effect::kNames},
      {"nofile_64", limited("-n 64")},
      {"memory_30_mib",
       limited("-s 8192; ulimit -v 31000"),
       {},
       Effect::kFails,
       "cannot load the core: "},
      {"memory_60_mib", limited("-s 8192; ulimit -v 61000")},
      {"seccomp",
       {built("e2e_confined"), "seccomp",
        HAPPY_SOURCE_FOLDER "/docs/compatibility.md", "%H", "%P"}},
      {"chroot",
       in_empty_root("/proc/self"),
       {},
       Effect::kFails,
       "cannot load the core: "},
      {"chroot_eager", in_empty_root("/proc/self"), {{"HAPPY_EAGER", "1"}}},
  };
}

}  // namespace

const std::vector<Host>& hosts() {
  static const std::vector<Host> kAll = [] {
    std::vector<Host> all;
    for (auto& part :
         {allocators(), other_interposers(), tools(), confinements()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return kAll;
}

}  // namespace happy::e2e
