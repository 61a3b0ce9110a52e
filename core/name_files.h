// /etc/hosts and /etc/resolv.conf, read again when they change. A file that has
// become unreachable (chroot) counts as it was last read.
#pragma once

#include <sys/stat.h>

#include <string>

#include "core/dns/hosts_file.h"
#include "core/dns/resolv_conf.h"

namespace happy {

// Not thread-safe: its owner locks.
class NameFiles {
 public:
  NameFiles();
  const dns::HostsFile& hosts();
  const dns::ResolvConf& resolv_conf();

 private:
  // Identity of a file's content, as far as stat(2) tells.
  struct Stamp {
    ino_t inode = 0;
    off_t size = -1;
    timespec modified{};
  };
  // True and `*text` if the file has changed since `*stamp`.
  static bool changed(const char* path, Stamp* stamp, std::string* text);

  Stamp hosts_stamp_, resolv_conf_stamp_;
  dns::HostsFile hosts_;
  dns::ResolvConf resolv_conf_;
};

}  // namespace happy
