"""Price cards that wait for their scan: one a device, and not for ever."""

from __future__ import annotations

from edge.station.quantities import VALID_US
from protocol.identity import DeviceId


class PriceChecks:
    """The devices whose next scan only tells its price."""

    def __init__(self) -> None:
        self._until_us: dict[DeviceId, int] = {}

    @property
    def next_deadline_us(self) -> int | None:
        """When the first of them expires (boot time)."""
        return min(self._until_us.values(), default=None)

    def put(self, device: DeviceId, up_us: int) -> None:
        """Have the device's next scan tell its price."""
        self._until_us[device] = up_us + VALID_US

    def asked(self, device: DeviceId) -> bool:
        """Tell whether the device's next scan only tells its price."""
        return device in self._until_us

    def drop(self, device: DeviceId) -> bool:
        """Forget the device's card; False if there was none."""
        return self._until_us.pop(device, None) is not None

    def clear(self) -> None:
        """Forget all of them."""
        self._until_us.clear()

    def expire(self, up_us: int) -> list[DeviceId]:
        """Forget those that waited too long, and give their devices: people there think they would not buy."""
        late = [device for device, until_us in self._until_us.items() if until_us <= up_us]
        for device in late:
            self.drop(device)
        return late
