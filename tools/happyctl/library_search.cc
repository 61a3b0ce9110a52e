#include "tools/happyctl/library_search.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>
#include <string_view>

namespace happyctl {
namespace {

constexpr size_t kMostObjects = 1000;
constexpr uint64_t kMostCache = 64 << 20;
constexpr size_t kLongestPath = 4096;
constexpr std::string_view kCacheMark = "glibc-ld.so.cache1.1";

// glibc's sysdeps/generic/dl-cache.h, "struct cache_file_new".
struct CacheHeader {
  char mark[20];
  uint32_t count, strings_size;
  uint32_t rest[5];
};
struct CacheEntry {
  int32_t flags;
  uint32_t name, path;  // places in the file
  uint32_t os_version;
  uint64_t hardware;
};

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string with_origin(std::string folder, const std::string& origin) {
  for (const std::string_view word : {"${ORIGIN}", "$ORIGIN"}) {
    const size_t at = folder.find(word);
    if (at != std::string::npos) folder.replace(at, word.size(), origin);
  }
  return folder;
}

class Search {
 public:
  explicit Search(const ElfFile& program) : program_(program) {}

  std::optional<LinkedObject> find(const std::string& name,
                                   const LinkedObject& asker,
                                   const LinkedObject& program);

 private:
  std::optional<LinkedObject> in_list(const std::string& folders,
                                      const std::string& name,
                                      const LinkedObject& asker) const;
  // The file, if one process can hold it and the program.
  std::optional<LinkedObject> at(const std::string& path,
                                 const std::string& name) const;

  const ElfFile& program_;
  const std::vector<CachedLibrary> cache_ =
      read_library_cache("/etc/ld.so.cache");
};

std::optional<LinkedObject> Search::at(const std::string& path,
                                       const std::string& name) const {
  auto object = read_object(path);
  if (!object || !object->dynamic || !object->file.fits(program_))
    return std::nullopt;
  return LinkedObject{path, name, *std::move(object->dynamic)};
}

std::optional<LinkedObject> Search::in_list(const std::string& folders,
                                            const std::string& name,
                                            const LinkedObject& asker) const {
  std::istringstream list(folders);
  for (std::string folder; std::getline(list, folder, ':');) {
    folder = folder.empty() ? "." : with_origin(folder, folder_of(asker.path));
    if (auto found = at(folder + "/" + name, name)) return found;
  }
  return std::nullopt;
}

std::optional<LinkedObject> Search::find(const std::string& name,
                                         const LinkedObject& asker,
                                         const LinkedObject& program) {
  if (name.find('/') != std::string::npos)
    return at(with_origin(name, folder_of(asker.path)), name);
  std::optional<LinkedObject> found;
  if (asker.dynamic.runpath.empty()) {
    found = in_list(asker.dynamic.rpath, name, asker);
    if (!found) found = in_list(program.dynamic.rpath, name, program);
  }
  const char* const folders = std::getenv("LD_LIBRARY_PATH");
  if (!found && folders != nullptr && *folders != '\0')
    found = in_list(folders, name, asker);
  if (!found) found = in_list(asker.dynamic.runpath, name, asker);
  for (const CachedLibrary& cached : cache_) {
    if (found) break;
    if (cached.name == name) found = at(cached.path, name);
  }
  if (!found) found = in_list("/lib64:/usr/lib64:/lib:/usr/lib", name, asker);
  return found;
}

}  // namespace

std::vector<CachedLibrary> read_library_cache(const std::string& path) {
  const ElfBytes bytes(path);
  CacheHeader header;
  if (!bytes.read(0, &header) ||
      std::string_view(header.mark, sizeof header.mark) != kCacheMark)
    return {};
  const uint64_t entries = uint64_t{header.count} * sizeof(CacheEntry);
  const auto all =
      bytes.read(0, sizeof header + entries + header.strings_size, kMostCache);
  if (!all) return {};
  std::vector<CachedLibrary> out;
  for (uint64_t i = 0; i < header.count; ++i) {
    CacheEntry entry;
    std::memcpy(&entry, all->data() + sizeof header + i * sizeof entry,
                sizeof entry);
    out.push_back({text_at(*all, entry.name, kLongestPath),
                   text_at(*all, entry.path, kLongestPath)});
  }
  return out;
}

Linkage linkage_of(const std::string& program) {
  Linkage out;
  auto object = read_object(program);
  if (!object || !object->dynamic) return out;
  Search search(object->file);
  std::set<std::string> seen;
  out.objects.push_back({program, "", *std::move(object->dynamic)});
  for (size_t i = 0; i < out.objects.size(); ++i) {
    const auto needed = out.objects[i].dynamic.needed;
    for (const std::string& name : needed) {
      if (out.objects.size() >= kMostObjects || !seen.insert(name).second)
        continue;
      auto found = search.find(name, out.objects[i], out.objects[0]);
      if (found)
        out.objects.push_back(*std::move(found));
      else
        out.missing.push_back(name);
    }
  }
  return out;
}

}  // namespace happyctl
