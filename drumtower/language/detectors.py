"""What no list can hold: numbers by which somebody is reached, however they are spaced."""

import re
from typing import Final

# Over folded text: no spaces, no punctuation, lower case. Each is bounded, so the search is linear.
DETECTORS: Final = {
    "@mobile_number": re.compile(r"(?<![0-9])(?:86)?1[3-9][0-9]{9}(?![0-9])"),
    "@qq_number": re.compile(r"(?:qq|扣扣|企鹅号)(?:号码?|群)?(?:是|为)?[1-9][0-9]{4,10}(?![0-9])"),
    "@wechat_id": re.compile(
        r"(?:微信|微信号|weixin|(?<![a-z])vx|(?<![a-z])wx)(?:号|id)?(?:是|为)?[a-z][a-z0-9]{5,19}(?![a-z0-9])"
    ),
}
