"""What goes wrong on purpose: each fault begins, ends, and says afterwards what shows that it bit.

`catalogue` names them all; `processes`, `network`, `database`, `records` and `groups` hold the ways in which they are
made. To add one, write a `Disturbance` and name it in the catalogue.
"""
