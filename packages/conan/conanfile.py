# The recipe for Conan 2: conan create packages/conan
# SPDX-License-Identifier: MIT
import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load

required_conan_version = ">=2.0"


class Sockless(ConanFile):
    name = "sockless"
    description = "WebSocket and STOMP as pure state machines, without the socket"
    license = "MIT"
    topics = ("websocket", "stomp", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"with_zlib": [True, False]}
    default_options = {"with_zlib": False}
    no_copy_source = True

    def _repository(self):
        return os.path.normpath(os.path.join(self.recipe_folder, "..", ".."))

    def set_version(self):
        self.version = load(self, os.path.join(self._repository(), "VERSION")).strip()

    def export_sources(self):
        for pattern in ("include/*", "LICENSE"):
            copy(self, pattern, src=self._repository(), dst=self.export_sources_folder)

    def requirements(self):
        if self.options.with_zlib:
            self.requires("zlib/[>=1.2.11 <2]", transitive_headers=True, transitive_libs=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        self.info.clear()

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        include = os.path.join(self.source_folder, "include")
        copy(self, "*", src=include, dst=os.path.join(self.package_folder, "include"))

    def package_info(self):
        # The target of the whole package has another name than its parts, which are named as CMakeLists.txt names them.
        self.cpp_info.set_property("cmake_file_name", "sockless")
        self.cpp_info.set_property("cmake_target_name", "sockless::all")
        self.cpp_info.set_property("pkg_config_name", "sockless-all")
        parts = {"sockless": []}
        if self.options.with_zlib:
            parts["zlib"] = ["sockless", "zlib::zlib"]
        for name, requires in parts.items():
            part = self.cpp_info.components[name]
            part.set_property("cmake_target_name", f"sockless::{name}")
            part.set_property("pkg_config_name", "sockless" if name == "sockless" else f"sockless-{name}")
            part.requires = requires
            part.bindirs = []
            part.libdirs = []
