// A host with plug-ins: opens one as told and lets it fetch a page.
//   e2e_deep_host now|lazy PLUGIN HOST PORT   with RTLD_DEEPBIND
//   e2e_deep_host plain NAME HOST PORT        NAME is found by this program's
//                                             DT_RUNPATH alone
#include <dlfcn.h>

#include <cstdio>
#include <string_view>

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string_view how = argv[1];
  const int mode = how == "now"    ? RTLD_NOW | RTLD_DEEPBIND
                   : how == "lazy" ? RTLD_LAZY | RTLD_DEEPBIND
                                   : RTLD_NOW;
  void* const plugin = dlopen(argv[2], mode);
  if (plugin == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  const auto fetch = reinterpret_cast<int (*)(const char*, const char*)>(
      dlsym(plugin, "plugin_fetch"));
  return fetch != nullptr ? fetch(argv[3], argv[4]) : 2;
}
