-- includes("sockless/packages/xmake"), then add_deps("sockless") in a target of C++20.
-- SPDX-License-Identifier: MIT
target("sockless")
    set_kind("headeronly")
    add_includedirs("../../include", {public = true})
