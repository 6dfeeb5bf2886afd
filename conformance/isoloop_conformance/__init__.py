"""The conformance suite: drives any implementation of the contract and says where it departs.

The suite shares no code with what it judges. It reads the contract as data: schemas, requirements,
cases and cassettes.
"""

SUITE_VERSION = "0.1"
CONTRACT_VERSION = "1.0"
PROTOCOL_VERSION = 1
