"""What systemd-networkd, wpa_supplicant, chrony and the agent are told, as texts made of the technician's file. Pure.

systemd.network(5), wpa_supplicant.conf(5), chrony.conf(5) (section "sources").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from image.system.boot_file import BootFile, Wifi, Wired

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_FOLLOWS: Final = "# Made of shelfwire.toml at each start; what is changed here is lost.\n"


def wired_network(wired: Wired) -> str | None:
    """Write the .network file of the cable; None where the network says all."""
    return None if not wired.address and not wired.dns else _network("[Match]\nType=ether\nKind=!*\n", wired, 100)


def wireless_network(wifi: Wifi) -> str | None:
    """Write the .network file of the wireless network; None where the network says all."""
    return None if not wifi.address and not wifi.dns else _network("[Match]\nType=wlan\n", wifi, 600)


def _network(match: str, of: Wired | Wifi, metric: int) -> str:
    lines = [_FOLLOWS + match, "[Link]", "RequiredForOnline=no", "", "[Network]", "MulticastDNS=resolve", "LLMNR=no"]
    lines += [f"DNS={one}" for one in of.dns]
    if not of.address:
        lines += ["DHCP=yes", "", "[DHCPv4]", "UseNTP=no", "UseHostname=no", "UseDNS=no", f"RouteMetric={metric}"]
        return "\n".join(lines) + "\n"
    # A fixed address is all: no other one is asked for, by nobody.
    lines += ["DHCP=no", "IPv6AcceptRA=no", "LinkLocalAddressing=ipv6", f"Address={of.address}"]
    if of.gateway:
        lines += ["", "[Route]", f"Gateway={of.gateway}", f"Metric={metric}"]
    return "\n".join(lines) + "\n"


def wifi_settings(wifi: Wifi, password: str) -> str:
    """Write wpa_supplicant's file. Name and password cannot break out of it: the one is in hexadecimal, the other is
    ASCII in one line, and a quoted word there ends at the last quotation mark of its line."""
    how = (
        f'sae_password="{password}"\n    key_mgmt=SAE\n    ieee80211w=2'
        if wifi.security == "wpa3"
        else f'psk="{password}"\n    key_mgmt=WPA-PSK WPA-PSK-SHA256\n    ieee80211w=1'
    )
    return (
        f"{_FOLLOWS}country={wifi.country}\np2p_disabled=1\nupdate_config=0\n"
        f"network={{\n    ssid={wifi.name.encode().hex()}\n    scan_ssid=1\n    proto=RSN\n    {how}\n}}\n"
    )


def time_sources(server: str) -> str:
    """Write chrony's file of sources."""
    return f"server {server} iburst prefer\n"


def ssh_hours(hours: int) -> str:
    """Write the drop-in that has the door close by itself."""
    return f"[Service]\nRuntimeMaxSec={hours}h\n"


def open_pages(ports: Iterable[int]) -> str:
    """Write what nftables adds to its rules."""
    return f"add element inet shelfwire pages {{ {', '.join(map(str, ports))} }}\n"


def station_settings(base: str, file: BootFile) -> str:
    """Write `edge.toml`: what every station has, and devices and lights as the technician says."""
    table: dict[str, Any] = {}
    if file.lights is not None:
        table["lights"] = file.lights
    if file.devices:
        table["devices"] = file.devices
    return base + toml_text(table) if table else base


def toml_text(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> str:
    """Write tables of plain values as TOML (v1.0.0), each under its own head."""
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    head = f"\n[{'.'.join(_key(key) for key in path)}]\n" if path and (plain or not table) else ""
    lines = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in plain.items())
    inner = "".join(toml_text(value, (*path, key)) for key, value in table.items() if isinstance(value, Mapping))
    return head + lines + inner


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + "}"
    return str(value)
