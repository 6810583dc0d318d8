"""The guard against server-side request forgery."""

from __future__ import annotations

import pytest

from engine.domain.errors import DeliveryError
from ops.delivery.guard import guarded, is_public


def to(*addresses: str) -> object:
    return lambda _name, _port: list(addresses)


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    target = guarded("https://hooks.example/a/b?c=d#e", allow_private=False, resolver=to("9.9.9.9", "2620:fe::fe"))  # type: ignore[arg-type]
    assert target == ("https://9.9.9.9:443/a/b?c=d", "hooks.example", "hooks.example")
    target = guarded("https://hooks.example:8443", allow_private=False, resolver=to("2620:fe::fe"))  # type: ignore[arg-type]
    assert target == ("https://[2620:fe::fe]:8443/", "hooks.example:8443", "hooks.example")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "2002:a00:1::",
        "64:ff9b::a00:1", "2001:0:a00:1::",
    ],
)  # fmt: skip
def test_private_addresses_are_refused(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(DeliveryError, match="private") as caught:
        guarded("https://hooks.example/", allow_private=False, resolver=to("9.9.9.9", address))  # type: ignore[arg-type]
    assert not caught.value.retry
    guarded("https://hooks.example/", allow_private=True, resolver=to(address))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/", "ftp://hooks.example/", "file:///etc/hosts", "https://", "https://a:b@hooks.example/",
     "https://hooks.example:99999/", "hooks.example", "https://[::1/"],
)  # fmt: skip
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        guarded(url, allow_private=False, resolver=to("9.9.9.9"))  # type: ignore[arg-type]
    assert not caught.value.retry


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0x7f.1/"])
def test_loopback_written_in_other_ways(url: str) -> None:
    with pytest.raises(DeliveryError):
        guarded(url, allow_private=False)


def test_a_name_that_does_not_resolve_may_do_so_later() -> None:
    def unknown(_name: str, _port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(DeliveryError, match="resolved") as caught:
        guarded("https://hooks.example/", allow_private=False, resolver=unknown)
    assert caught.value.retry
