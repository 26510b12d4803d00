"""The configuration: one YAML file, read strictly, told about precisely, and written back with its comments.

`models` says what can be set (the desktop draws its settings from it), `load` reads a file and gives every
mistake with its place, `references` puts in what the file only names (`${VAR}`, `keyring:NAME`), `edit`
changes a file and keeps the rest, `frigate` takes over the cameras of another program.
"""
