// Whether a call ends the program by a failed assertion, seen from a process of its own.
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace sockless::test {

#if defined(_WIN32) || defined(__i386__)
// Windows has no process that begins as a copy, and under qemu-i386 one stops at once: there this is not tested.
template <class Call>
bool aborts(Call) {
    return true;
}
#else
template <class Call>
bool aborts(Call call) {
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        ::close(STDERR_FILENO); // what the assertion says
        call();
        ::_exit(0);
    }
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
#endif

} // namespace sockless::test
