# find_package(sockless) gives sockless::sockless, and with COMPONENTS zlib also sockless::zlib.
include("${CMAKE_CURRENT_LIST_DIR}/sockless-targets.cmake")

set(sockless_FOUND TRUE)
foreach(sockless_component IN LISTS sockless_FIND_COMPONENTS)
    set(sockless_${sockless_component}_FOUND FALSE)
    if(NOT sockless_component STREQUAL "zlib")
        set(sockless_reason "sockless has no component ${sockless_component}")
    elseif(NOT TARGET ZLIB::ZLIB)
        find_package(ZLIB QUIET)
        set(sockless_reason "sockless::zlib needs ZLIB, which was not found")
    endif()
    if(sockless_component STREQUAL "zlib" AND TARGET ZLIB::ZLIB)
        include("${CMAKE_CURRENT_LIST_DIR}/sockless-zlib-targets.cmake")
        set(sockless_zlib_FOUND TRUE)
    elseif(sockless_FIND_REQUIRED_${sockless_component})
        set(sockless_FOUND FALSE)
        set(sockless_NOT_FOUND_MESSAGE "${sockless_reason}")
    endif()
endforeach()

# The C++20 module, for target_sources(… FILE_SET CXX_MODULES …).
get_target_property(sockless_MODULE sockless::sockless INTERFACE_INCLUDE_DIRECTORIES)
string(APPEND sockless_MODULE "/sockless.cppm")
