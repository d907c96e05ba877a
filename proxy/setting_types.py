"""What settings are made of: ports, seconds, rates, addresses to listen on, networks."""

import ipaddress
from typing import Annotated

from pydantic import Field

from redirect_rules.parsing import StrictModel

Port = Annotated[int, Field(ge=0, le=65_535)]  # 0: any free one
Seconds = Annotated[int, Field(ge=0, le=3_600)]
Patience = Annotated[int, Field(ge=1, le=3_600)]
Rate = Annotated[int, Field(ge=0, le=1_000_000)]  # octets a second; 0: any


class Address(StrictModel):
    """An address to listen on."""

    host: str = "127.0.0.1"
    port: Port


def is_network(text: str) -> bool:
    """Whether a text is a network, or one address: "10.20.0.0/16"."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True
