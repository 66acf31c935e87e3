# Runs the recipe as Conan 2 would, which is not in Debian: conan.py RECIPE FOLDER. It leaves the package in FOLDER/package.
# SPDX-License-Identifier: MIT
"""The classes and functions below have the part of Conan's interface that the recipe uses."""

import pathlib
import runpy
import shutil
import sys
import types


class Part:
    def __init__(self):
        self.properties = {}

    def set_property(self, name, value):
        self.properties[name] = value


class Information(Part):
    def __init__(self):
        super().__init__()
        self.components = {"sockless": Part(), "zlib": Part()}


class ConanFile:
    def __init__(self, recipe, folder, with_zlib):
        self.recipe_folder = str(recipe.parent)
        self.export_sources_folder = self.source_folder = str(folder / "sources")
        self.package_folder = str(folder / "package")
        self.options = types.SimpleNamespace(with_zlib=with_zlib)
        self.info = types.SimpleNamespace(clear=lambda: None)
        self.cpp_info = Information()
        self.required = []

    def requires(self, reference, transitive_headers, transitive_libs):
        assert transitive_headers and transitive_libs
        self.required.append(reference)


def copy(recipe, pattern, src, dst):
    for path in sorted(pathlib.Path(src).glob(pattern.replace("*", "**/*"))):
        if path.is_file():
            target = pathlib.Path(dst) / path.relative_to(src)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)


def main():
    module("conan", ConanFile=ConanFile)
    module("conan.tools")
    module("conan.tools.build", check_min_cppstd=lambda recipe, standard: None)
    module("conan.tools.files", copy=copy, load=lambda recipe, path: pathlib.Path(path).read_text())
    path, folder = map(pathlib.Path, sys.argv[1:])
    recipe_class = runpy.run_path(str(path))["Sockless"]
    for with_zlib in recipe_class.options["with_zlib"]:
        recipe = recipe_class(path, folder, with_zlib)
        for step in ("set_version", "export_sources", "requirements", "validate", "package_id", "package", "package_info"):
            getattr(recipe, step)()
        targets = [part.properties.get("cmake_target_name") for part in recipe.cpp_info.components.values()]
        assert targets == ["sockless::sockless", "sockless::zlib" if with_zlib else None], targets
        assert len(recipe.required) == with_zlib
    assert recipe.version == (path.parent / "../../VERSION").read_text().strip()
    assert (folder / "package" / "licenses" / "LICENSE").is_file()


if __name__ == "__main__":
    main()
