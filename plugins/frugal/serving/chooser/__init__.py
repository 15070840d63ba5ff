"""Which form of serving is the cheapest that does what the traffic needs, and why the others are not.

`choose` is pure: traffic, measured facts and dated prices in, the whole comparison out.
"""

from frugal.serving.chooser.choice import Choice, cheapest, choose
from frugal.serving.chooser.facts import ModelFacts
from frugal.serving.chooser.option import Option

__all__ = ["Choice", "ModelFacts", "Option", "cheapest", "choose"]
