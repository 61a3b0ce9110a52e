// /etc/hosts, /etc/resolv.conf and /etc/gai.conf, read again when they change.
// A file that has become unreachable (chroot) counts as it was last read. They
// are looked at once a millisecond at most: a look-up that the cache answers
// takes a hundredth of that.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/dns/hosts_file.h"
#include "core/dns/resolv_conf.h"
#include "core/race/destination_order.h"

namespace happy {

// Not thread-safe: its owner locks.
class NameFiles {
 public:
  NameFiles();
  const dns::HostsFile& hosts();
  const dns::ResolvConf& resolv_conf();
  const std::vector<race::PrefixPolicy>& prefix_policies();

 private:
  // Identity of a file's content, as far as stat(2) tells.
  struct Stamp {
    ino_t inode = 0;
    off_t size = -1;
    timespec modified{};
    Time looked{};
  };
  // True and `*text` if the file has changed since `*stamp`.
  static bool changed(const char* path, Stamp* stamp, std::string* text);

  Stamp hosts_stamp_, resolv_conf_stamp_, gai_conf_stamp_;
  dns::HostsFile hosts_;
  dns::ResolvConf resolv_conf_;
  std::vector<race::PrefixPolicy> prefix_policies_;
};

}  // namespace happy
