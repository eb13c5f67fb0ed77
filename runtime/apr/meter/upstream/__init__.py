"""The upstream's meter, as its program behaves: what it accepts, how it scores, and what it prints.

It is here so that figures can be compared with figures that others published. Its scores are those of a list compared index by index,
with the holes that `docs/decisions/0026` names; the meter of this house is `apr.meter.compare`.
"""
