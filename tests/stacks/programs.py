# The programs of examples/ that tests/stacks/run tries, a line each.
# SPDX-License-Identifier: MIT
import dataclasses


@dataclasses.dataclass(frozen=True)
class Server:
    """A program that sends each message back."""

    name: str  # on the command line of `run`
    path: str  # below the examples folder of the build
    arguments: tuple = ("{port}",)  # with {port}, {certificate} and {key} in place of what they are
    tls: bool = False
    stops: bool = True  # SIGTERM ends it in order
    chats: bool = False  # sends each message to all who are connected


@dataclasses.dataclass(frozen=True)
class Client:
    """A program that connects. Its cases are in client_cases.py, under the same name."""

    name: str
    path: str


PROGRAMS = {program.name: program for program in (
    Server("minimal", "minimal_server", stops=False),
    Server("poll", "echo_server", ("--port", "{port}")),
    Server("asio", "asio-echo_server"),
    Server("asio-coroutines", "asio-coroutine_echo_server"),
    Server("asio-tls", "asio-tls_echo_server", ("{port}", "{certificate}", "{key}"), tls=True),
    Server("openssl", "openssl-echo_server", ("{port}", "{certificate}", "{key}"), tls=True),
    Server("libuv", "libuv-chat_server", chats=True),
    Server("libevent", "libevent-echo_server"),
    Server("epoll", "epoll-echo_server"),
    Server("io_uring", "io_uring-echo_server"),
    Client("asio-client", "asio-reconnecting_client"),
    Client("openssl-client", "openssl-client"),
    Client("qt", "qt-stomp_client"),
    Client("static_memory", "static_memory-test"),
)}
