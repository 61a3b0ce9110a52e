# Tests of the C interfaces in cmocka's words, each built twice: on GoogleTest,
# where ctest knows every case, and on libcmocka, where it knows the program.
function(add_abi_test name)
  add_cmocka_program(abi_${name} abi/${name}_test.cc ${ARGN})
  gtest_discover_tests(abi_${name}_gtest TEST_PREFIX "abi."
    DISCOVERY_TIMEOUT 60 PROPERTIES LABELS abi)
  if(CMOCKA_FOUND)
    add_test(NAME abi.libcmocka.${name} COMMAND abi_${name}_libcmocka)
    set_tests_properties(abi.libcmocka.${name} PROPERTIES LABELS abi)
  endif()
endfunction()

set(shim ${CMAKE_SOURCE_DIR}/shim)
add_abi_test(socket_options ${shim}/socket_options.cc ${shim}/option_table.cc
  ${shim}/option_values.cc ${shim}/real.cc)
add_abi_test(epoll_sets ${shim}/epoll_sets.cc ${shim}/fd_table.cc
  ${shim}/real.cc)
add_abi_test(policy_abi)
foreach(variant gtest libcmocka)
  if(TARGET abi_policy_abi_${variant})
    target_link_libraries(abi_policy_abi_${variant} PRIVATE core_objects)
  endif()
endforeach()
