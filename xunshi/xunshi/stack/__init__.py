"""Everything on one machine: `xunshi up`.

`folder` (the data folder: lock, secrets, state), `ports`, `gateway` and `parts` say what runs; `supervisor` runs it
with `process`, and `guardian` cleans up should the supervisor itself be killed. Nothing else knows the whole stack.
"""
