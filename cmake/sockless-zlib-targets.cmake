# What CMake writes by itself into the package that it installs; meson installs this.
if(NOT TARGET sockless::zlib)
    add_library(sockless::zlib INTERFACE IMPORTED)
    set_target_properties(sockless::zlib PROPERTIES INTERFACE_LINK_LIBRARIES "sockless::sockless;ZLIB::ZLIB")
endif()
