"""Training of the detectors that `surveil` ships: data, models, losses, engine, evaluation and export.

The application never imports this package; this package imports the application's ground floor and
`surveil.detect` only. Start with `python -m training --help` and `docs/training/README.md`.
"""
