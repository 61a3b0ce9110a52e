# The table of socket options: with real sockets, against the kernel's headers,
# and against the document that shows it.
set(option_sources ${CMAKE_SOURCE_DIR}/shim/option_table.cc
  ${CMAKE_SOURCE_DIR}/shim/option_values.cc
  ${CMAKE_SOURCE_DIR}/shim/socket_options.cc ${CMAKE_SOURCE_DIR}/shim/real.cc)
add_executable(option_copy_test abi/option_copy_test.cc ${option_sources})
target_link_libraries(option_copy_test PRIVATE GTest::gmock
  GTest::gtest_main)
gtest_discover_tests(option_copy_test TEST_PREFIX "abi." DISCOVERY_TIMEOUT 60
  PROPERTIES LABELS abi)

add_executable(option_table_print abi/option_table_print.cc)
add_test(NAME abi.options_of_the_headers
  COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/abi/option_headers_test.py
          ${CMAKE_CXX_COMPILER} $<TARGET_FILE:option_table_print>
          ${CMAKE_SOURCE_DIR})
set_tests_properties(abi.options_of_the_headers PROPERTIES LABELS abi)
