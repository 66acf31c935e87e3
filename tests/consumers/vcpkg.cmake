# Runs the port as vcpkg would, which is not in Debian: cmake -DPORT_FOLDER=… -DTO=… -P vcpkg.cmake. The functions below
# do what those of vcpkg do for a library of headers.
cmake_minimum_required(VERSION 3.16)

set(PORT sockless)
set(FEATURES core)
set(CURRENT_PACKAGES_DIR "${TO}")
set(build "${TO}-build")

function(execute)
    execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${ARGV}: ${output}")
    endif()
endfunction()

function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" SOURCE_PATH OPTIONS)
    execute("${CMAKE_COMMAND}" -G Ninja -S "${arg_SOURCE_PATH}" -B "${build}" -DCMAKE_INSTALL_PREFIX=${TO}
        -DCMAKE_BUILD_TYPE=Release ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
    execute("${CMAKE_COMMAND}" --build "${build}" --target install)
endfunction()

# Moves the package to share/PORT, one folder up, which the files that CMake wrote must know.
function(vcpkg_cmake_config_fixup)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" CONFIG_PATH "")
    file(GLOB files "${TO}/${arg_CONFIG_PATH}/*")
    file(COPY ${files} DESTINATION "${TO}/share/${PORT}")
    file(REMOVE_RECURSE "${TO}/${arg_CONFIG_PATH}")
    file(GLOB files "${TO}/share/${PORT}/*.cmake")
    foreach(each ${files})
        file(READ "${each}" text)
        string(REPLACE "get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_FILE}\" PATH)\n"
            "set(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_DIR}\")\n" text "${text}")
        string(REGEX REPLACE "(get_filename_component\\(_IMPORT_PREFIX \"[^\n]*\n)+"
            "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}/../..\" ABSOLUTE)\n" text "${text}")
        file(WRITE "${each}" "${text}")
    endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
    file(GLOB files "${TO}/share/pkgconfig/*.pc")
    set(ENV{PKG_CONFIG_PATH} "${TO}/share/pkgconfig")
    foreach(each ${files})
        get_filename_component(name "${each}" NAME_WE)
        execute(pkg-config --print-errors --exists ${name})
    endforeach()
endfunction()

function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" FILE_LIST)
    file(COPY ${arg_FILE_LIST} DESTINATION "${TO}/share/${PORT}")
endfunction()

include("${PORT_FOLDER}/portfile.cmake")
