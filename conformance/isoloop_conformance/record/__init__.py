"""Record cassettes: a case is run through a proxy that keeps what the provider's wire carries.

The provider is the twin, or the live one. Expectations are never recorded: they come from the
contract.
"""

from isoloop_conformance.record.providers import LiveProvider, RecordedProvider, TwinProvider
from isoloop_conformance.record.proxy import CaptureProxy, Exchange, RecordError, Upstream
from isoloop_conformance.record.recorder import CassetteOutcome, Recorder, Source
from isoloop_conformance.record.variants import STANDARD, cassette_name, live_variant, twin_variant

__all__ = [
    "STANDARD",
    "CaptureProxy",
    "CassetteOutcome",
    "Exchange",
    "LiveProvider",
    "RecordError",
    "RecordedProvider",
    "Recorder",
    "Source",
    "TwinProvider",
    "Upstream",
    "cassette_name",
    "live_variant",
    "twin_variant",
]
