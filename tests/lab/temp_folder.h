// A folder below TMPDIR (or /tmp) that is removed with its owner, also where
// the process is ended by SIGINT, SIGTERM, SIGHUP, SIGPIPE or SIGABRT. Only
// kill -9 and crashes leave it behind.
#pragma once

#include <string>
#include <string_view>

namespace happy::lab {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const;
  // Writes (or overwrites) the file and returns its path.
  std::string write(std::string_view name, std::string_view text) const;

 private:
  std::string path_;
};

// The file's content; empty where it cannot be read.
std::string read_file(const std::string& path);

}  // namespace happy::lab
