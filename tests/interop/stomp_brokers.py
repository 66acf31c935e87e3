# Message brokers, each a process of ours in a folder of its own that goes away with it. One that runs on the system is
# left alone.
# SPDX-License-Identifier: MIT
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from ends import ENVIRONMENT, Missing

LONGEST_START = 60  # seconds; about 6 are usual
RABBITMQ = pathlib.Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
ACTIVEMQ = pathlib.Path("/usr/share/activemq/bin/activemq.jar")


def free_ports(count):
    """Ports on which no program listens now."""
    with contextlib.ExitStack() as all:
        sockets = [all.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Broker:
    """The common part of the brokers; `self.ports` are the ports that must accept connections before a broker is used."""

    def __init__(self, name):
        self.name = name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"sockless-{name.lower()}-"))
        self.started = []
        self.log = open(self.folder / "log", "wb")
        try:
            self.ports = self._start()
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _run(self, command, environment=None):
        """Starts a process that leads a group of its own, so that all that it starts ends with it, and that ends when
        this program is killed."""
        self.started.append(subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *(str(word) for word in command)], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT, cwd=self.folder,
            env={**ENVIRONMENT, "HOME": str(self.folder), **(environment or {})}, start_new_session=True))

    def _wait(self):
        until = time.monotonic() + LONGEST_START
        for port in self.ports:
            while not self._accepts(port):
                if self.started[-1].poll() is not None or time.monotonic() > until:
                    said = (self.folder / "log").read_text(errors="replace")[-2000:]
                    raise Missing(f"{self.name} did not start; it said: {said}")
                time.sleep(0.1)

    @staticmethod
    def _accepts(port):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    def stop(self):
        """Ends what was started, the last first. A broker has nothing to say at its end."""
        try:
            for process in reversed(self.started):
                self._signal(process, signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
        finally:
            for process in self.started:
                self._signal(process, signal.SIGKILL)
                process.wait()
            self.started.clear()
            self.log.close()
            shutil.rmtree(self.folder, ignore_errors=True)
        return ""

    @staticmethod
    def _signal(process, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


class RabbitMQ(Broker):
    """Debian's rabbitmq-server with its STOMP and Web-STOMP plugins."""

    def __init__(self):
        for program, package in ((RABBITMQ, "rabbitmq-server"), ("epmd", "erlang-base")):
            if not shutil.which(program):
                raise Missing(f"the package {package} is missing")
        super().__init__("RabbitMQ")
        self.tcp, self.ws = self.ports

    def _start(self):
        epmd, nodes, amqp, tcp, ws = free_ports(5)
        (self.folder / "rabbitmq.conf").write_text(f"""
            listeners.tcp.local = 127.0.0.1:{amqp}
            stomp.listeners.tcp.1 = 127.0.0.1:{tcp}
            web_stomp.tcp.ip = 127.0.0.1
            web_stomp.tcp.port = {ws}
            log.console = true
            log.console.level = warning
            log.file = false
            """)
        (self.folder / "plugins").write_text("[rabbitmq_stomp,rabbitmq_web_stomp].\n")
        # Erlang would start a daemon of its own for the names of its nodes, and leave it behind.
        self._run(["epmd", "-address", "127.0.0.1", "-port", epmd])
        self._run([RABBITMQ], {
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(epmd),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(nodes),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_NODENAME": "rabbit@127.0.0.1",  # as not every container knows what localhost is
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_USE_LONGNAME": "true",
        })
        return [tcp, ws]


class ActiveMQ(Broker):
    """Debian's activemq, with nothing but STOMP over TCP."""

    CONFIGURATION = """
        <beans xmlns="http://www.springframework.org/schema/beans" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
          xsi:schemaLocation="http://www.springframework.org/schema/beans
          http://www.springframework.org/schema/beans/spring-beans-2.0.xsd
          http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
          <broker xmlns="http://activemq.apache.org/schema/core" brokerName="localhost" persistent="false"
            useJmx="false" advisorySupport="false">
            <plugins><simpleAuthenticationPlugin><users>
              <authenticationUser username="guest" password="guest" groups="users"/>
            </users></simpleAuthenticationPlugin></plugins>
            <systemUsage><systemUsage>
              <memoryUsage><memoryUsage limit="64 mb"/></memoryUsage>
              <storeUsage><storeUsage limit="64 mb"/></storeUsage>
              <tempUsage><tempUsage limit="64 mb"/></tempUsage>
            </systemUsage></systemUsage>
            <transportConnectors>
              <transportConnector name="stomp" uri="stomp://127.0.0.1:PORT"/>
            </transportConnectors>
          </broker>
        </beans>
        """

    def __init__(self):
        if not ACTIVEMQ.exists():
            raise Missing("the package activemq is missing")
        super().__init__("ActiveMQ")
        self.tcp, = self.ports

    def _start(self):
        ports = free_ports(1)
        (self.folder / "activemq.xml").write_text(self.CONFIGURATION.strip().replace("PORT", str(ports[0])))
        # Java 17 is the newest that this version runs on.
        java = next(pathlib.Path("/usr/lib/jvm").glob("java-17-*/bin/java"), "java")
        opened = [f"java.base/java.{package}=ALL-UNNAMED" for package in ("lang", "util", "net")]
        self._run([java, "-Xmx256M", *(word for each in opened for word in ("--add-opens", each)),
                   f"-Djava.io.tmpdir={self.folder}", "-Dactivemq.idgenerator.hostname=localhost",
                   f"-Dactivemq.home={ACTIVEMQ.parent.parent}", f"-Dactivemq.base={self.folder}",
                   f"-Dactivemq.conf={self.folder}", f"-Dactivemq.data={self.folder}",
                   f"-Dactivemq.classpath={self.folder}",
                   "-jar", ACTIVEMQ, "start", f"xbean:file:{self.folder}/activemq.xml"])
        return ports
