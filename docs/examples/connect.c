/* Connects to HOST at SERVICE, within so many milliseconds (10,000), and says
 * who was reached.
 *
 *   cc connect.c -lhappy-connect -o connect
 *   ./connect www.example.com https 5000
 */
#include <happy.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  char why[200], address[NI_MAXHOST], port[NI_MAXSERV];
  struct sockaddr_storage peer;
  struct happy_options options = happy_default_options();
  int fd;

  if (argc != 3 && argc != 4) {
    fprintf(stderr, "usage: %s HOST SERVICE [MILLISECONDS]\n", argv[0]);
    return 2;
  }
  options.timeout_ms = argc == 4 ? (unsigned)atoi(argv[3]) : 10000;
  options.peer = &peer;
  options.message = why;
  options.message_size = sizeof why;
  fd = happy_connect(argv[1], argv[2], &options);
  if (fd < 0) {
    fprintf(stderr, "%s\n", why);
    return 1;
  }
  getnameinfo((struct sockaddr *)&peer, sizeof peer, address, sizeof address,
              port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  printf("connected to %s port %s\n", address, port);
  close(fd);
  return 0;
}
