/* Fetches a page by curl's multi interface, driven by curl_multi_poll().
 * Usage: e2e_multi_client URL... */
#include <curl/curl.h>
#include <stdio.h>

static int add_all(CURLM *multi, int count, char **urls) {
  for (int i = 0; i < count; ++i) {
    CURL *const easy = curl_easy_init();
    if (easy == NULL) return 0;
    curl_easy_setopt(easy, CURLOPT_URL, urls[i]);
    curl_multi_add_handle(multi, easy);
  }
  return 1;
}

/* The number of transfers that did not end well. */
static int failures(CURLM *multi) {
  int failed = 0, left = 0;
  const CURLMsg *message;
  while ((message = curl_multi_info_read(multi, &left)) != NULL) {
    if (message->msg != CURLMSG_DONE || message->data.result == CURLE_OK)
      continue;
    fprintf(stderr, "%s\n", curl_easy_strerror(message->data.result));
    ++failed;
  }
  return failed;
}

int main(int argc, char **argv) {
  CURLM *const multi = curl_multi_init();
  if (argc < 2 || multi == NULL || !add_all(multi, argc - 1, argv + 1))
    return 2;
  int running = 1, failed = 0;
  while (running > 0) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) return 2;
    failed += failures(multi);
    if (running > 0) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  return failed == 0 ? 0 : 1;
}
