"""RFID readers that tell their reads as JSON over HTTP or MQTT: Impinj's and Zebra's own interfaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

import msgspec

from edge.codecs.reader_json import ReaderJsonCodec
from edge.codecs.readings import Reading
from edge.drivers.api import Driver, Settings, StepKind
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.linked import Link, LinkedDevice
from edge.errors import BadSettings, HardwareAbsent

MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class RfidJsonSettings(Settings, frozen=True):
    """A reader's table. `url` says where its reads come from: http, https, mqtt or mqtts; for the last two `topic` too.

    `password_file` holds the password of `user`; `ca_file` the certificates that an https or mqtts server is held to.
    """

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    topic: Annotated[str, msgspec.Meta(max_length=500)] = ""
    user: str = ""
    password_file: str = ""
    ca_file: str = ""
    connect_ms: Annotated[int, msgspec.Meta(ge=100, le=60_000)] = 5000


class RfidJson(LinkedDevice[Link]):
    """One reader; implements `edge.drivers.api.Device`. The reader itself is set to read; here it is listened to."""

    def __init__(self, settings: RfidJsonSettings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `url` of another kind, or a `topic` too many or too few."""
        self._settings = settings
        url = _checked(settings)
        self._url = url
        super().__init__(_Unopened(), f"{url.hostname}:{url.port or url.scheme}", clock)
        self._codec = ReaderJsonCodec()

    async def __aenter__(self) -> Self:
        self._codec = ReaderJsonCodec()
        try:
            self._link = self._new_link()
        except HardwareAbsent as error:
            self._condition.absent(str(error))
            raise
        return await super().__aenter__()

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        while True:
            while (reading := self._codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading
            self._codec.feed(await self._hear(None) or b"")

    def _new_link(self) -> Link:
        """Make the link; what it needs is imported here, so that the other kind costs nothing."""
        settings, url, patience_s = self._settings, self._url, self._settings.connect_ms / 1000
        password = _password(settings.password_file)
        if url.scheme in MQTT_PORTS:
            from edge.links.mqtt import MqttLink, MqttTopic

            port = url.port or MQTT_PORTS[url.scheme]
            tls = url.scheme == "mqtts"
            return MqttLink(
                MqttTopic(
                    url.hostname or "", port, settings.topic, settings.user, password, tls, settings.ca_file, patience_s
                )
            )
        from edge.links.http import HttpLink, HttpStream

        return HttpLink(HttpStream(settings.url, settings.user, password, settings.ca_file, patience_s))


class _Unopened:
    """The link before there is one: the settings are checked without importing what a link needs."""

    async def __aenter__(self) -> Self:
        raise HardwareAbsent("not connected")

    async def read(self) -> bytes:
        return b""

    def close(self) -> None:
        """Do nothing."""


def _checked(settings: RfidJsonSettings) -> SplitResult:
    try:
        url = urlsplit(settings.url)
        port_fits = url.port is None or url.port > 0
    except ValueError as error:
        raise BadSettings("url", str(error)) from error
    if url.scheme not in ("http", "https", *MQTT_PORTS) or not url.hostname or not port_fits:
        raise BadSettings("url", f"{settings.url!r} is not like https://reader/..., mqtt://broker:1883")
    if url.username is not None or url.password is not None:
        raise BadSettings("url", "user and password go into `user` and `password_file`")
    if (url.scheme in MQTT_PORTS) != bool(settings.topic):
        raise BadSettings(
            "topic", f"{'a topic is needed' if not settings.topic else 'there are no topics'} with {url.scheme}"
        )
    return url


def _password(file: str) -> str:
    """Read a secret; only its first line counts. Raises `HardwareAbsent`."""
    if not file:
        return ""
    try:
        return (Path(file).read_text("utf-8").splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        raise HardwareAbsent(f"password_file {file}: {error}") from error


DRIVER = Driver(
    "rfid-json",
    "RFID reader that tells its reads as JSON (Impinj, Zebra)",
    RfidJsonSettings,
    RfidJson,
    checks=(StepKind.TAG,),
    experimental="built from the makers' documents, without a recorded capture",
    codecs={"reader-json": ReaderJsonCodec},
)
