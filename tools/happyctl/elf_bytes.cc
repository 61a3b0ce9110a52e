#include "tools/happyctl/elf_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace happyctl {

ElfBytes::ElfBytes(const std::string& path)
    : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (descriptor_ < 0) return;
  struct stat info;
  if (fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode)) {
    size_ = static_cast<uint64_t>(info.st_size);
    return;
  }
  close(descriptor_);
  descriptor_ = -1;
}

ElfBytes::~ElfBytes() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool ElfBytes::read_raw(uint64_t offset, void* out, size_t size) const {
  if (descriptor_ < 0 || offset > size_ || size > size_ - offset) return false;
  auto* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got =
        pread(descriptor_, at, size, static_cast<off_t>(offset));
    if (got <= 0) return false;
    at += got;
    offset += static_cast<uint64_t>(got);
    size -= static_cast<size_t>(got);
  }
  return true;
}

std::optional<std::string> ElfBytes::read(uint64_t offset, uint64_t size,
                                          uint64_t most) const {
  if (size > most || offset > size_ || size > size_ - offset)
    return std::nullopt;
  std::string out(size, '\0');
  if (!read_raw(offset, out.data(), out.size())) return std::nullopt;
  return out;
}

std::string text_at(const std::string& octets, uint64_t at, size_t most) {
  if (at >= octets.size()) return {};
  const size_t room = std::min<size_t>(octets.size() - at, most);
  const char* const begin = octets.data() + at;
  const void* const end = std::memchr(begin, '\0', room);
  if (end == nullptr) return {};
  return {begin, static_cast<const char*>(end)};
}

}  // namespace happyctl
