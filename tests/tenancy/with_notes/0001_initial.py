"""The same as in the product."""

from importlib import import_module

Migration = import_module("events.migrations.0001_initial").Migration
