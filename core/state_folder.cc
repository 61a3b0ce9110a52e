#include "core/state_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

namespace happy {
namespace {

// Hidden names are nobody's keys.
constexpr std::string_view kBeingWritten = ".new.";
constexpr std::string_view kAside = ".aside.";

bool is_own(const struct stat& info) { return info.st_uid == geteuid(); }

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  const int descriptor_;
};

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(descriptor, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    content.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

// Why the folder may not be used; empty: it may.
std::string fault_of(const struct stat& info, const std::string& path) {
  if (!is_own(info)) return path + " is another user's";
  if ((info.st_mode & 077) != 0)
    return path + " is open to other users (it needs mode 0700)";
  return {};
}

bool nobody_needs_to_know(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES ||
         error == EPERM || error == EROFS;
}

}  // namespace

std::string find_state_folder() {
  const char* const named = secure_getenv("HAPPY_STATE");
  if (named != nullptr && *named != '\0') return *named == '/' ? named : "";
  const char* const base = secure_getenv("XDG_RUNTIME_DIR");
  return base != nullptr && *base == '/' ? std::string(base) + "/libhappy" : "";
}

std::unique_ptr<StateFolder> StateFolder::open(
    const std::string& path, const net::DescriptorPolicy& descriptors,
    std::string* why) {
  why->clear();
  const bool made = mkdir(path.c_str(), 0700) == 0;
  const int found =
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (found < 0) {
    if (!nobody_needs_to_know(errno))
      *why = path + ": " + strerrordesc_np(errno);
    return nullptr;
  }
  if (made) fchmod(found, 0700);  // whatever the host's umask is
  struct stat info {};
  *why =
      fstat(found, &info) == 0 ? fault_of(info, path) : strerrordesc_np(errno);
  if (!why->empty()) {
    close(found);
    return nullptr;
  }
  return std::unique_ptr<StateFolder>(
      new StateFolder(descriptors.own(found), descriptors));
}

StateFolder::~StateFolder() { descriptors_.close(folder_); }

std::optional<std::string> StateFolder::read(const std::string& name) const {
  return read_file(name.c_str());
}

// O_NONBLOCK: a FIFO must not be waited for.
std::optional<std::string> StateFolder::read_file(const char* name) const {
  const File file(
      openat(folder_, name,
             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat info {};
  if (!file.is_open() || fstat(file.get(), &info) != 0) return std::nullopt;
  if (!S_ISREG(info.st_mode) || !is_own(info)) return std::nullopt;
  if (static_cast<size_t>(info.st_size) > kMostOctets) return std::nullopt;
  std::string out(static_cast<size_t>(info.st_size), '\0');
  size_t size = 0;
  while (size < out.size()) {
    const ssize_t count = ::read(file.get(), &out[size], out.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    size += static_cast<size_t>(count);
  }
  return out;
}

bool StateFolder::write(const std::string& name, std::string_view content) {
  if (content.size() > kMostOctets) return false;
  char temporary[64];
  snprintf(temporary, sizeof temporary, "%s%d.%d.%u", kBeingWritten.data(),
           getpid(), gettid(), written_++);
  if (write_file(temporary, content) &&
      renameat(folder_, temporary, folder_, name.c_str()) == 0)
    return true;
  unlinkat(folder_, temporary, 0);
  return false;
}

bool StateFolder::write_file(const char* name, std::string_view content) const {
  const File file(openat(folder_, name,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         0600));
  // The host's umask may leave nothing of the mode.
  return file.is_open() && fchmod(file.get(), 0600) == 0 &&
         write_all(file.get(), content);
}

std::optional<std::string> StateFolder::take(const std::string& name) {
  char taken[64];
  snprintf(taken, sizeof taken, "%s%d.%d.%u", kBeingWritten.data(), getpid(),
           gettid(), written_++);
  if (renameat(folder_, name.c_str(), folder_, taken) != 0) return std::nullopt;
  auto out = read_file(taken);
  unlinkat(folder_, taken, 0);
  return out;
}

void StateFolder::remove(const std::string& name) const {
  unlinkat(folder_, name.c_str(), 0);
}

bool StateFolder::has(const std::string& name) const {
  return faccessat(folder_, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void StateFolder::set_aside(const std::string& name) const {
  const std::string aside = std::string(kAside) + name;
  renameat(folder_, name.c_str(), folder_, aside.c_str());
}

void StateFolder::for_each(
    const std::function<void(const std::string&)>& visit) const {
  const int copy = openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const folder = copy < 0 ? nullptr : fdopendir(copy);
  if (folder == nullptr) {
    if (copy >= 0) close(copy);
    return;
  }
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") visit(name);
  }
  closedir(folder);
}

std::vector<std::string> StateFolder::names() const {
  std::vector<std::string> out;
  for_each([&out](const std::string& name) {
    if (!name.starts_with('.')) out.push_back(name);
  });
  std::sort(out.begin(), out.end());
  return out;
}

void StateFolder::sweep() const {
  constexpr time_t kLongestWrite = 60;
  const time_t now = time(nullptr);
  const time_t oldest = now - std::chrono::seconds(kLife).count();
  std::vector<std::pair<time_t, std::string>> found;  // by when it was written
  for_each([&](const std::string& name) {
    struct stat info {};
    if (fstatat(folder_, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    const bool left_behind =
        name.starts_with(kBeingWritten) && info.st_mtime < now - kLongestWrite;
    if (left_behind || info.st_mtime < oldest)
      unlinkat(folder_, name.c_str(), 0);
    else
      found.emplace_back(info.st_mtime, name);
  });
  if (found.size() <= kMostFiles) return;
  std::sort(found.begin(), found.end());
  for (size_t i = 0; i < found.size() - kMostFiles; ++i)
    unlinkat(folder_, found[i].second.c_str(), 0);
}

}  // namespace happy
