"""The settings, drawn from the models of the configuration."""
