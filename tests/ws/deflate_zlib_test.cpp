// To come.
// SPDX-License-Identifier: MIT
