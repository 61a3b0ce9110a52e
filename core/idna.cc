#include "core/idna.h"

#include <dlfcn.h>

#include <algorithm>
#include <type_traits>

namespace happy {
namespace {

// idn2.h; what they put out is freed with idn2_free().
// int idn2_lookup_u8(const uint8_t* src, uint8_t** out, int flags);
// int idn2_lookup_ul(const char* src, char** out, int flags);
// int idn2_to_unicode_lzlz(const char* src, char** out, int flags);
using LookUpUtf8 = int (*)(const unsigned char*, unsigned char**, int);
using Convert = int (*)(const char*, char**, int);
using Free = void (*)(void*);
constexpr int kNfcInput = 1;         // IDN2_NFC_INPUT
constexpr int kNonTransitional = 8;  // IDN2_NONTRANSITIONAL
constexpr int kOk = 0;               // IDN2_OK

struct Library {
  LookUpUtf8 look_up_utf8 = nullptr;
  Convert look_up = nullptr;
  Convert to_unicode = nullptr;
  Free release = nullptr;
};

const Library& library() {
  static const Library kLibrary = [] {
    Library out;
    void* const object = dlopen("libidn2.so.0", RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) return out;
    const auto find = [object](const char* name, auto* function) {
      *function = reinterpret_cast<std::remove_pointer_t<decltype(function)>>(
          dlsym(object, name));
    };
    find("idn2_lookup_u8", &out.look_up_utf8);
    find("idn2_lookup_ul", &out.look_up);
    find("idn2_to_unicode_lzlz", &out.to_unicode);
    find("idn2_free", &out.release);
    return out;
  }();
  return kLibrary;
}

template <typename Function, typename Octet>
std::optional<std::string> converted(Function convert, const Octet* name,
                                     int flags) {
  if (convert == nullptr || library().release == nullptr) return std::nullopt;
  Octet* out = nullptr;
  if (convert(name, &out, flags) != kOk || out == nullptr) return std::nullopt;
  std::string text(reinterpret_cast<const char*>(out));
  library().release(out);
  return text;
}

}  // namespace

bool is_ascii(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x80;
  });
}

std::optional<std::string> to_a_labels(const std::string& name) {
  return converted(library().look_up_utf8,
                   reinterpret_cast<const unsigned char*>(name.c_str()),
                   kNfcInput | kNonTransitional);
}

std::optional<std::string> to_a_labels_by_locale(const std::string& name) {
  return converted(library().look_up, name.c_str(),
                   kNfcInput | kNonTransitional);
}

std::string from_a_labels_by_locale(const std::string& name) {
  return converted(library().to_unicode, name.c_str(), 0).value_or(name);
}

}  // namespace happy
