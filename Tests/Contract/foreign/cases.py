"""All cases, in the order in which they run."""

import cases_calls
import cases_limits
import cases_streams
from expectations import Case

CASES: list[Case] = cases_calls.CASES + cases_streams.CASES + cases_limits.CASES
# Ends the node.
LAST: Case = cases_limits.goaway
