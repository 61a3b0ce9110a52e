#include "core/net/load_tls.h"

#include <dlfcn.h>

namespace happy::net {
namespace {

constinit const happy_tls* loaded = nullptr;

}  // namespace

tl::expected<const happy_tls*, std::string> load_tls(
    const std::string& library_folder, int flags) {
  if (loaded) return loaded;
  const std::string path = library_folder + "/libhappy-tls.so";
  void* const object = dlopen(path.c_str(), flags);
  if (!object) {
    const char* why = dlerror();
    return tl::unexpected(std::string("cannot load ") + (why ? why : path));
  }
  const auto entry = reinterpret_cast<decltype(&happy_tls_open)>(
      dlsym(object, "happy_tls_open"));
  const happy_tls* const tls = entry ? entry() : nullptr;
  if (!tls || tls->abi != HAPPY_TLS_ABI) {
    dlclose(object);
    return tl::unexpected(path + " is not of this version of libhappy");
  }
  return loaded = tls;
}

}  // namespace happy::net
