"""Seals as the console has them, with keys that are nobody's."""

from proxy.console.sealing import SealingKeys

SEAL = SealingKeys({"k1": b"1" * 32})
ROTATED_SEAL = SealingKeys({"k2": b"2" * 32, "k1": b"1" * 32})
OTHER_SEAL = SealingKeys({"k3": b"3" * 32})
