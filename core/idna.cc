#include "core/idna.h"

#include <dlfcn.h>

#include <algorithm>

namespace happy {
namespace {

// idn2.h: int idn2_lookup_u8(const uint8_t* src, uint8_t** out, int flags);
// the result is freed with idn2_free().
using Lookup = int (*)(const unsigned char*, unsigned char**, int);
using Free = void (*)(void*);
constexpr int kNfcInput = 1;         // IDN2_NFC_INPUT
constexpr int kNonTransitional = 8;  // IDN2_NONTRANSITIONAL
constexpr int kOk = 0;               // IDN2_OK

struct Library {
  Lookup lookup = nullptr;
  Free release = nullptr;
};

Library load() {
  void* object = dlopen("libidn2.so.0", RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return {};
  return {reinterpret_cast<Lookup>(dlsym(object, "idn2_lookup_u8")),
          reinterpret_cast<Free>(dlsym(object, "idn2_free"))};
}

}  // namespace

bool is_ascii(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80;
  });
}

std::optional<std::string> to_a_labels(const std::string& name) {
  static const Library kLibrary = load();
  if (kLibrary.lookup == nullptr || kLibrary.release == nullptr) {
    return std::nullopt;
  }
  unsigned char* out = nullptr;
  const int status =
      kLibrary.lookup(reinterpret_cast<const unsigned char*>(name.c_str()),
                      &out, kNfcInput | kNonTransitional);
  if (status != kOk || out == nullptr) return std::nullopt;
  std::string labels(reinterpret_cast<const char*>(out));
  kLibrary.release(out);
  return labels;
}

}  // namespace happy
