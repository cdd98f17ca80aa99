"""What a technician writes: a TOML file, read once and again at each change.

`base` and `urls` are what all tables share; `sources`, `triggers`, `delivery`, `alarms` and `gateway` hold one part
each; `cameras` is the whole file, `loading` reads it.
"""
