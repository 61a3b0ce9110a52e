// Reads a file of which nothing is to be believed: every place and size is held
// against the file's own before an octet is read. Knows nothing of ELF's
// meaning, in spite of its name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

namespace happyctl {

class ElfBytes {
 public:
  // Regular files only: a pipe would be waited for.
  explicit ElfBytes(const std::string& path);
  ~ElfBytes();
  ElfBytes(const ElfBytes&) = delete;
  ElfBytes& operator=(const ElfBytes&) = delete;

  bool is_open() const { return descriptor_ >= 0; }

  // False where the file ends before.
  template <typename T>
  [[nodiscard]] bool read(uint64_t offset, T* out) const {
    static_assert(std::is_trivially_copyable_v<T>);
    return read_raw(offset, out, sizeof *out);
  }
  // nullopt where the file ends before, or `size` is more than `most`.
  std::optional<std::string> read(uint64_t offset, uint64_t size,
                                  uint64_t most) const;

 private:
  bool read_raw(uint64_t offset, void* out, size_t size) const;

  int descriptor_ = -1;
  uint64_t size_ = 0;
};

// The text at `at` up to its NUL; empty where it has none within `most` octets.
std::string text_at(const std::string& octets, uint64_t at, size_t most);

}  // namespace happyctl
