#include "tools/happyctl/foreign_code.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "tools/happyctl/elf_bytes.h"

namespace happyctl {
namespace {

namespace fs = std::filesystem;

// `library` begins a file's name, `symbol` one that a file imports or exports.
// Symbols end in what nobody else's begin with.
struct Trace {
  ForeignKind kind;
  const char* name;
  std::string_view library;
  std::string_view symbol;
};

constexpr Trace kTraces[] = {
    {ForeignKind::kResolver, "c-ares", "libcares.so", "ares_init"},
    {ForeignKind::kResolver, "libunbound", "libunbound.so", "ub_ctx_create"},
    {ForeignKind::kResolver, "getdns", "libgetdns.so", "getdns_context_create"},
    {ForeignKind::kResolver, "ldns", "libldns.so", "ldns_resolver_new"},
    {ForeignKind::kResolver, "adns", "libadns.so", "adns_init"},
    {ForeignKind::kResolver, "udns", "libudns.so", "dns_init"},
    {ForeignKind::kResolver, "BIND's resolver", "libdns-9", "dns_resolver_"},
    {ForeignKind::kResolver, "libevent's evdns", "", "evdns_base_new"},
    {ForeignKind::kRing, "io_uring", "liburing.so", "io_uring_"},
    {ForeignKind::kSanitizer, "AddressSanitizer", "libasan.so", ""},
    {ForeignKind::kSanitizer, "AddressSanitizer", "libclang_rt.asan", ""},
    {ForeignKind::kSanitizer, "ThreadSanitizer", "libtsan.so", ""},
    {ForeignKind::kSanitizer, "ThreadSanitizer", "libclang_rt.tsan", ""},
    {ForeignKind::kAllocator, "jemalloc", "libjemalloc.so", ""},
    {ForeignKind::kAllocator, "tcmalloc", "libtcmalloc", ""},
    {ForeignKind::kAllocator, "mimalloc", "libmimalloc.so", ""},
};

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

// Sorted: what begins so stands where `start` itself would.
bool any_begins(const std::vector<std::string>& sorted,
                std::string_view start) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), start);
  return at != sorted.end() && at->starts_with(start);
}

// Where the trace is seen in the object; empty: it is not.
std::string seen_in(const Trace& trace, const LinkedObject& object) {
  if (!trace.library.empty() && object.name.starts_with(trace.library))
    return object.name;
  // A library is told by its name; an export of the program's is a copy inside.
  if (trace.symbol.empty()) return {};
  const bool inside = any_begins(object.dynamic.imports, trace.symbol) ||
                      any_begins(object.dynamic.exports, trace.symbol);
  if (!inside) return {};
  return std::string(base_name(object.path)) + ", by " +
         std::string(trace.symbol);
}

}  // namespace

std::vector<Foreign> foreign_code(const Linkage& linkage) {
  std::vector<Foreign> out;
  for (const Trace& trace : kTraces) {
    const bool known = std::any_of(
        out.begin(), out.end(),
        [&trace](const Foreign& one) { return one.name == trace.name; });
    if (known) continue;
    for (const LinkedObject& object : linkage.objects) {
      std::string seen = seen_in(trace, object);
      if (seen.empty()) continue;
      out.push_back({trace.kind, trace.name, std::move(seen)});
      break;
    }
  }
  return out;
}

// V8's snapshot and ICU's tables lie beside every Chromium, Electron and CEF.
std::optional<std::string> browser_at(const std::string& program) {
  std::error_code error;
  const fs::path file = fs::canonical(program, error);
  if (error) return std::nullopt;
  const fs::path folder = file.parent_path();
  const bool v8 = fs::exists(folder / "v8_context_snapshot.bin", error) ||
                  fs::exists(folder / "snapshot_blob.bin", error);
  if (v8 && fs::exists(folder / "icudtl.dat", error)) return "Chromium";
  return std::nullopt;
}

std::optional<std::string> wrapper_of(const std::string& program) {
  std::error_code error;
  const fs::path file = fs::canonical(program, error);
  const std::string path = error ? program : file.string();
  if (path == "/usr/bin/snap" || path.starts_with("/snap/")) return "snap";
  constexpr uint64_t kScript = 4096;  // exported ones are a few lines
  const ElfBytes bytes(path);
  std::error_code none;
  const auto size = fs::file_size(path, none);
  const auto text = none ? std::nullopt : bytes.read(0, size, kScript);
  if (text && text->starts_with("#!") &&
      text->find("flatpak run") != std::string::npos)
    return "flatpak";
  return std::nullopt;
}

}  // namespace happyctl
